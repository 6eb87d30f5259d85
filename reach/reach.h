/*
 * reach/reach.h - why a connection that libcurl was to make was not made.
 */
#ifndef REACH_REACH_H
#define REACH_REACH_H

#include <curl/curl.h>

#include "wire/trial.h"

/*
 * What it came to, from TRIAL_NO_HOST to TRIAL_TLS.  code is no CURLE_OK; error: what
 * CURLOPT_ERRORBUFFER got, which may be "".
 */
enum trial reach_outcome(CURL *easy, CURLcode code, const char *error);

#endif
