/*
 * relay/authorities.c - the system's certificate authorities without those that were added to it.
 */
#include "relay/authorities.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

#define DEPTH_MAX 4		   /* of directories below a place */
#define FILE_MAX (8 * 1024 * 1024) /* bytes */
#define UNREADABLE_MAX 100000	   /* blocks in a row; without memory none is read */

const char *const authorities_places[] = {
	"/usr/local/share/ca-certificates",
	"/etc/pki/ca-trust/source",
	"/usr/share/pki/ca-trust-source/anchors",
	"/etc/ca-certificates/trust-source",
	"/etc/pki/trust/anchors",
	"/usr/share/pki/trust/anchors",
	NULL,
};

/* A certificate's DER: what OpenSSL makes of it (X509) takes it a millisecond and more. */
struct der {
	unsigned char *p;
	size_t n;
};

struct certificates {
	struct der *der;
	size_t n, room;
	bool no_memory;
};

static void certificates_free(struct certificates *set)
{
	while (set->n > 0)
		OPENSSL_free(set->der[--set->n].p);
	free(set->der);
}

/* d becomes the set's. */
static void certificates_add(struct certificates *set, struct der d)
{
	size_t room = set->room ? 2 * set->room : 256;
	void *more;

	if (set->n == set->room) {
		more = reallocarray(set->der, room, sizeof(*set->der));
		if (!more) {
			OPENSSL_free(d.p);
			set->no_memory = true;
			return;
		}
		set->der = more;
		set->room = room;
	}
	set->der[set->n++] = d;
}

static bool certificates_have(const struct certificates *set, struct der d)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (set->der[i].n == d.n && memcmp(set->der[i].p, d.p, d.n) == 0)
			return true;
	return false;
}

/* Without what "TRUSTED CERTIFICATE" has behind it. */
static void der_end_at_certificate(struct der *d)
{
	const unsigned char *p = d->p;
	int tag, class;
	long n;

	if (!(ASN1_get_object(&p, &n, &tag, &class, (long)d->n) & 0x80) &&
	    n <= (long)d->n - (p - d->p))
		d->n = (size_t)(p - d->p) + (size_t)n;
}

/* The next block of a PEM file, whatever it is of; one that cannot be read is passed over.  False:
 * there is no more. */
static bool pem_block(BIO *file, char **name, char **header, struct der *d, long *n)
{
	unsigned long why;
	unsigned i;

	for (i = 0; i < UNREADABLE_MAX; i++) {
		if (PEM_read_bio(file, name, header, &d->p, n) == 1)
			return true;
		why = ERR_peek_last_error();
		if (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
			return false;
		ERR_clear_error();
	}
	return false;
}

/* The next certificate of a PEM file.  False: there is no more. */
static bool pem_next(BIO *file, struct der *d)
{
	char *name, *header;
	bool is_one = false;
	long n;

	while (!is_one && pem_block(file, &name, &header, d, &n)) {
		is_one = strcmp(name, PEM_STRING_X509) == 0 ||
			 strcmp(name, PEM_STRING_X509_OLD) == 0 ||
			 strcmp(name, PEM_STRING_X509_TRUSTED) == 0;
		d->n = (size_t)n;
		if (is_one)
			der_end_at_certificate(d);
		else
			OPENSSL_free(d->p);
		OPENSSL_free(name);
		OPENSSL_free(header);
	}
	return is_one;
}

/* Those of a file: PEM, or one in DER. */
static void certificates_add_text(struct certificates *set, const char *text, size_t n)
{
	BIO *file = BIO_new_mem_buf(text, (int)n);
	bool any = false;
	struct der d;

	while (file && pem_next(file, &d)) {
		certificates_add(set, d);
		any = true;
	}
	set->no_memory = set->no_memory || !file;
	BIO_free(file);
	if (any)
		return;
	d.p = OPENSSL_memdup(text, n);
	d.n = n;
	set->no_memory = set->no_memory || !d.p;
	if (d.p) {
		der_end_at_certificate(&d);
		certificates_add(set, d);
	}
}

/* The same of fd, if it is an ordinary file. */
static void certificates_add_file(struct certificates *set, int fd, const struct stat *st)
{
	size_t n = (size_t)st->st_size;
	char *text;

	/* In memory: OpenSSL reads a descriptor byte by byte. */
	if (!S_ISREG(st->st_mode) || n == 0 || n > FILE_MAX)
		return;
	text = malloc(n);
	set->no_memory = set->no_memory || !text;
	if (text && read(fd, text, n) == (ssize_t)n)
		certificates_add_text(set, text, n);
	free(text);
}

/* Those of each file below a directory, which may be a link.  at is dir's place, or AT_FDCWD. */
static void certificates_add_tree(struct certificates *set, int at, const char *dir, unsigned depth)
{
	int top = openat(at, dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY), fd;
	DIR *d = top < 0 ? NULL : fdopendir(top);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		fd = openat(top, e->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0) {
			certificates_add_file(set, fd, &st);
			if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
				certificates_add_tree(set, top, e->d_name, depth + 1);
		}
		close(fd);
	}
	if (d)
		closedir(d);
	else if (top >= 0)
		close(top);
}

/* The certificates of in that count, to out.  False: out of memory. */
static bool bundle_filter(BIO *in, BIO *out, const struct certificates *shipped,
			  const struct certificates *added, unsigned *left_out)
{
	bool counts, ok = true;
	struct der d;

	*left_out = 0;
	while (ok && pem_next(in, &d)) {
		counts = shipped->n ? certificates_have(shipped, d) : !certificates_have(added, d);
		*left_out += !counts;
		ok = !counts || PEM_write_bio(out, PEM_STRING_X509, "", d.p, (long)d.n) > 0;
		OPENSSL_free(d.p);
	}
	return ok;
}

int authorities_read(const char *bundle, const char *shipped, const char *const *places, char **pem,
		     size_t *n, unsigned *left_out, struct failure *f)
{
	struct certificates known = { 0 }, added = { 0 };
	BIO *in = BIO_new_file(bundle, "r"), *out = BIO_new(BIO_s_mem());
	bool ok = out != NULL;
	char *text = NULL;
	long length;

	*pem = NULL;
	*n = 0;
	*left_out = 0;
	certificates_add_tree(&known, AT_FDCWD, shipped, 0);
	for (; !known.n && *places; places++)
		certificates_add_tree(&added, AT_FDCWD, *places, 0);
	ok = ok && !known.no_memory && !added.no_memory;
	/* A machine without a bundle has none. */
	if (ok && in)
		ok = bundle_filter(in, out, &known, &added, left_out);
	length = ok ? BIO_get_mem_data(out, &text) : 0;
	if (ok)
		*pem = malloc((size_t)length + 1);
	if (*pem) {
		if (length)
			memcpy(*pem, text, (size_t)length);
		(*pem)[length] = '\0';
		*n = (size_t)length;
	}
	/* "No more of them" is an error, too, which libcurl would find. */
	ERR_clear_error();
	BIO_free(in);
	BIO_free(out);
	certificates_free(&known);
	certificates_free(&added);
	return *pem ? 0 : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for certificates");
}
