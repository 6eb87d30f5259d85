/*
 * import/shell_blocks.h - the blocks of a shell file.
 */
#ifndef IMPORT_SHELL_BLOCKS_H
#define IMPORT_SHELL_BLOCKS_H

#include "import/shell_lex.h"
#include "import/shell_parser.h"

/* One lexeme that is no comment: a word, an operator, a line's end.  0 or -1. */
int shell_block_lexeme(struct shell *s, struct lex *x, enum lexeme t);

#endif
