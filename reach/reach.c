/*
 * reach/reach.c - why a connection that libcurl was to make was not made.
 */
#include "reach/reach.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Is it TLS, rather than a connection that broke while TLS was begun? */
static bool code_is_of_tls(CURLcode code, const char *error)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
		return true;
	case CURLE_SSL_CONNECT_ERROR:
		return !strstr(error, "SYSCALL") && !strstr(error, "reset");
	default:
		return false;
	}
}

/* What OpenSSL says of a certificate; of the name libcurl says it itself. */
static enum trial outcome_of_certificate(CURL *easy)
{
	long said = X509_V_OK, by_proxy = X509_V_OK;

	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &said);
	curl_easy_getinfo(easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &by_proxy);
	switch (said != X509_V_OK ? said : by_proxy) {
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED: /* libcurl compared the name before it asked OpenSSL */
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TRIAL_OTHER_HOST;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TRIAL_CLOCK;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return TRIAL_UNKNOWN_AUTHORITY;
	default:
		return TRIAL_TLS;
	}
}

/* Does libcurl name another host than the URL's, to which it could not connect?  A proxy. */
static bool error_is_of_proxy(CURL *easy, const char *error)
{
	static const char begin[] = "Failed to connect to ";
	const char *url = NULL, *host, *end;
	size_t n;

	curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
	host = url ? strstr(url, "://") : NULL;
	if (!host || strncmp(error, begin, sizeof(begin) - 1) != 0)
		return false;
	host += host[3] == '[' ? 4 : 3;
	end = host + strcspn(host, host[-1] == '[' ? "]" : ":/");
	n = (size_t)(end - host);
	return strncasecmp(error + sizeof(begin) - 1, host, n) != 0;
}

static enum trial outcome_of_connect(CURL *easy, const char *error_text)
{
	long error = 0;

	if (error_is_of_proxy(easy, error_text))
		return TRIAL_PROXY;
	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
	if (error == ETIMEDOUT)
		return TRIAL_TIMEOUT;
	return error == 0 || error == ECONNREFUSED || error == ENOENT ? TRIAL_REFUSED
								      : TRIAL_UNREACHABLE;
}

enum trial reach_outcome(CURL *easy, CURLcode code, const char *error)
{
	long proxy = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (code == CURLE_COULDNT_RESOLVE_PROXY || (proxy && proxy / 100 != 2))
		return TRIAL_PROXY;
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return outcome_of_certificate(easy);
	if (code_is_of_tls(code, error))
		return TRIAL_TLS;
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return TRIAL_NO_HOST;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return TRIAL_TIMEOUT;
	return code == CURLE_COULDNT_CONNECT ? outcome_of_connect(easy, error) : TRIAL_UNREACHABLE;
}
