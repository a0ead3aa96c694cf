/* Clocks that are set and hosts that sleep, for one process: put before the C library
 * (LD_PRELOAD), it adds to CLOCK_REALTIME and CLOCK_BOOTTIME what the file named by CLOCKS
 * holds at the time, two numbers of 64 bits, in nanoseconds. */
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
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME)) {
        int64_t ns = time->tv_nsec + added[clock == CLOCK_BOOTTIME] % 1000000000;
        time->tv_sec += added[clock == CLOCK_BOOTTIME] / 1000000000;
        time->tv_sec += ns >= 1000000000 ? 1 : ns < 0 ? -1 : 0;
        time->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
    }
    return result;
}
