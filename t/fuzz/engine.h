/*
 * t/fuzz/engine.h — what calls a target with inputs: libFuzzer, whose function
 * this is, or replay.c, which has one of the same name.
 */

#ifndef _FUZZ_ENGINE_H_INCLUDED_
#define _FUZZ_ENGINE_H_INCLUDED_

#include <stddef.h>
#include <stdint.h>


/* Runs the target with one input.  Returns 0. */
int fuzz_one(const uint8_t *data, size_t size);

/* Returns the exit code; a fault ends the process before. */
int LLVMFuzzerRunDriver(int *argc, char ***argv,
    int (*one)(const uint8_t *data, size_t size));


#endif /* _FUZZ_ENGINE_H_INCLUDED_ */
