/*
 * tests/proofs/session.pml - a session's life: everything that can follow.
 *
 * find_step is the broker's own table (show_session prints it).  Round it stand what the
 * broker does besides: a lock, a deadline, the end of the connection, a process that execs
 * what it likes and sends what it likes.  spin looks at every order of these.
 */
byte state, next, delivery;
bool resumed, may;

bool locked;	   /* no key is in memory */
bool closed;	   /* the connection has ended */
bool channel;	   /* a relay has this session */
bool arrived;	   /* since the last open or again */
bool ever;	   /* a value was given to the process since the last open */
byte released;	   /* values given to the process since the last open or again */
byte sessions;	   /* the broker's count of live ones */

inline step(event) {
	state = next;
	if
	:: event == AGAIN -> resumed = true
	:: event != AGAIN && next == LIVE -> resumed = false
	:: else
	fi
}

/* To the process itself.  The broker decides once more, and finds no key in a locked vault. */
inline give(event) {
	find_step(event);
	if
	:: may && !locked ->
		step(event);
		released++;
		ever = true;
		sessions++;
		assert(released == 1);
		assert(delivery != BY_RELAY);
		assert(delivery != BY_PRELOAD || arrived);
		assert((event == PIPE) == (delivery == BY_PIPE))
	:: else
	fi
}

inline begin() {
	released = 0;
	arrived = false
}

active proctype broker() {
	do
	:: closed -> break
	:: atomic { !closed && !locked ->
		find_step(OPEN);
		if
		:: may ->
			step(OPEN);
			begin();
			ever = false;
			if
			:: delivery = BY_RELAY
			:: delivery = BY_PRELOAD
			:: delivery = BY_PIPE
			:: delivery = BY_ENV
			fi
		:: else
		fi }
	:: d_step { !closed ->
		find_step(ARRIVE);
		if
		:: may -> step(ARRIVE); arrived = true
		:: else
		fi }
	:: atomic { !closed -> give(CLAIM) }
	:: atomic { !closed -> give(PIPE) }
	:: d_step { !closed && !channel ->
		find_step(RELAY);
		if
		:: may && !locked ->
			assert(delivery == BY_RELAY && next == LIVE);
			/* The channel has it; the connection has none. */
			channel = true;
			sessions++;
			state = NONE;
			resumed = false
		:: else
		fi }
	:: d_step { !closed ->
		find_step(AGAIN);
		if
		:: may ->
			/* Only who was given it once may ask once more. */
			assert(ever);
			if
			:: state == LIVE -> sessions--
			:: else
			fi;
			step(AGAIN);
			begin()
		:: else
		fi }
	/* A lock ends what relays hold; a session's process keeps what it has. */
	:: d_step { !closed && !locked ->
		locked = true;
		if
		:: channel -> channel = false; sessions--
		:: else
		fi }
	:: d_step { !closed && locked -> locked = false }
	:: d_step { channel -> channel = false; sessions-- }
	/* The deadline of what was not claimed, or the process's end. */
	:: d_step { !closed ->
		closed = true;
		if
		:: state == LIVE -> sessions--
		:: else
		fi;
		state = NONE }
	od;
	/* Its relay may live on; nothing else counts. */
	atomic {
		if
		:: channel -> channel = false; sessions--
		:: else
		fi
	}
	assert(sessions == 0)
}

/* In every state: the count is what is live. */
active proctype counted() {
	assert(sessions == (state == LIVE -> 1 : 0) + (channel -> 1 : 0))
}
