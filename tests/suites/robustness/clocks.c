/* Clocks that are set and hosts that sleep, for one process: put before the C library
 * (LD_PRELOAD), it adds to CLOCK_REALTIME and CLOCK_BOOTTIME what the file named by CLOCKS
 * held when the thread last asked for CLOCK_MONOTONIC, two numbers of 64 bits, in
 * nanoseconds: who asks for that one first and then for the others sees both change at once. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static volatile const int64_t *added;
    if (!added) {
        static const int64_t none[2];
        const char *name = getenv("CLOCKS");
        int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        void *map = file < 0 ? MAP_FAILED : mmap(0, 16, PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0)
            close(file);
        added = map == MAP_FAILED ? none : map;
    }
    static _Thread_local int64_t latched[2];
    static _Thread_local int has_latched;
    if (clock == CLOCK_MONOTONIC || !has_latched) {
        latched[0] = added[0];
        latched[1] = added[1];
        has_latched = 1;
    }
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME)) {
        int64_t ns = time->tv_nsec + latched[clock == CLOCK_BOOTTIME] % 1000000000;
        time->tv_sec += latched[clock == CLOCK_BOOTTIME] / 1000000000;
        time->tv_sec += ns >= 1000000000 ? 1 : ns < 0 ? -1 : 0;
        time->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
    }
    return result;
}
