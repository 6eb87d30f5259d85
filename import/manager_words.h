/*
 * import/manager_words.h - which words of a password manager's command are known.
 */
#ifndef IMPORT_MANAGER_WORDS_H
#define IMPORT_MANAGER_WORDS_H

#include <stdbool.h>

#define MANAGER_ARG_ROOM 512 /* bytes of a word, with its NUL */

/*
 * Do the n words of arg, of which the first names a manager, have it print what it keeps and do
 * nothing else?  Whoever can write the file in which the command stands (a repository's, too) has
 * it run outside of every session, and many an option names a program to run, a file to write or
 * a directory of settings (gpg --agent-program, op read --out-file, gpg --homedir): so those alone
 * pass that are listed.
 */
bool manager_words_known(char (*arg)[MANAGER_ARG_ROOM], unsigned n);

#endif
