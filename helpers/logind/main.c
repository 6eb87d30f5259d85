#include "base/fail.h"
#include "helpers/answer.h"
int main(void){struct failure f={0}; if(answer_begin(&f)) return answer_fail(&f); return 0;}
