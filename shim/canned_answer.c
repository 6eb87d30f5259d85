/*
 * shim/canned_answer.c - requests in, one answer out.  The client is the user's own
 * program; what it sends is not kept.
 */
#include "shim/canned_answer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENT(name, data) "event: " name "\ndata: " data "\n\n"

/* clang-format off */
static const char answer[] =
	EVENT("message_start", "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_ccrun\","
	      "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"sonnet\",\"content\":[],"
	      "\"stop_reason\":null,\"stop_sequence\":null,"
	      "\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}")
	EVENT("content_block_start", "{\"type\":\"content_block_start\",\"index\":0,"
	      "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}")
	EVENT("content_block_delta", "{\"type\":\"content_block_delta\",\"index\":0,"
	      "\"delta\":{\"type\":\"text_delta\",\"text\":\"" CANNED_WORD "\"}}")
	EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}")
	EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
	      "\"stop_sequence\":null},\"usage\":{\"output_tokens\":1}}")
	EVENT("message_stop", "{\"type\":\"message_stop\"}");
/* clang-format on */

static void client_close(struct canned_client *c)
{
	close(c->fd);
	c->fd = -1;
}

static void client_answer(struct canned *s, struct canned_client *c)
{
	char text[sizeof(answer) + 256];
	const char *body = c->question ? answer : "{}";
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
			 c->question ? "200 OK" : "404 Not Found",
			 c->question ? "text/event-stream" : "application/json", strlen(body),
			 body);

	if (c->question && c->pid != s->client_pid) {
		s->child = c->pid;
		client_close(c);
		return;
	}
	/* It fits into any socket's buffer. */
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
		client_close(c);
	c->in_body = false;
}

/* Read the head, which ends at end.  False: its body has no length. */
static bool client_read_head(struct canned_client *c, const char *end)
{
	static const char question[] = "POST /v1/messages", name[] = "\r\nContent-Length:";
	const char *length = strcasestr(c->head, name);
	const char after = c->head[sizeof(question) - 1];

	c->question = strncmp(c->head, question, sizeof(question) - 1) == 0 &&
		      (after == '?' || after == ' ');
	c->body = length && length < end ? strtoull(length + sizeof(name) - 1, NULL, 10) : 0;
	c->in_body = true;
	return !(strncmp(c->head, "POST ", 5) == 0 && !length);
}

/* Take what is in the buffer: bytes of bodies are dropped, requests that are whole answered. */
static void client_take(struct canned *s, struct canned_client *c)
{
	const char *end;
	size_t used;

	while (c->fd >= 0) {
		if (c->in_body) {
			used = c->body < c->n ? (size_t)c->body : c->n;
			c->body -= used;
		} else {
			end = strstr(c->head, "\r\n\r\n");
			if (!end && c->n == CANNED_HEAD_MAX)
				client_close(c);
			if (!end)
				return;
			if (!client_read_head(c, end)) {
				client_close(c);
				return;
			}
			used = (size_t)(end + 4 - c->head);
		}
		memmove(c->head, c->head + used, c->n - used);
		c->n -= used;
		c->head[c->n] = '\0';
		if (c->in_body && c->body > 0 && c->n == 0)
			return;
		if (c->in_body && c->body == 0)
			client_answer(s, c);
	}
}

static void client_read(struct canned *s, struct canned_client *c)
{
	ssize_t n = recv(c->fd, c->head + c->n, CANNED_HEAD_MAX - c->n, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->n += (size_t)n;
	c->head[c->n] = '\0';
	client_take(s, c);
}

static void canned_accept(struct canned *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), i;
	struct ucred who = { .pid = 0 };
	socklen_t size = sizeof(who);

	if (fd >= 0)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
	for (i = 0; fd >= 0 && i < CANNED_CLIENTS; i++) {
		if (s->client[i].fd >= 0)
			continue;
		memset(&s->client[i], 0, sizeof(s->client[i]));
		s->client[i].fd = fd;
		s->client[i].pid = who.pid;
		return;
	}
	if (fd >= 0)
		close(fd);
}

void canned_begin(struct canned *s, int listener, pid_t pid)
{
	int i;

	s->listener = listener;
	s->client_pid = pid;
	s->child = 0;
	for (i = 0; i < CANNED_CLIENTS; i++)
		s->client[i].fd = -1;
}

unsigned canned_poll(const struct canned *s, struct pollfd *fds)
{
	int i;

	fds[0] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	for (i = 0; i < CANNED_CLIENTS; i++)
		fds[1 + i] = (struct pollfd){ .fd = s->client[i].fd, .events = POLLIN };
	return CANNED_FDS;
}

void canned_serve(struct canned *s, const struct pollfd *fds)
{
	int i;

	for (i = 0; i < CANNED_CLIENTS; i++)
		if (fds[1 + i].revents && s->client[i].fd >= 0)
			client_read(s, &s->client[i]);
	if (fds[0].revents)
		canned_accept(s);
}

void canned_end(struct canned *s)
{
	int i;

	for (i = 0; i < CANNED_CLIENTS; i++)
		if (s->client[i].fd >= 0)
			client_close(&s->client[i]);
}
