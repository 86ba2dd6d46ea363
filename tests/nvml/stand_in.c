/* A stand-in for NVIDIA's libnvidia-ml.so.1: the functions that goodput-gate asks, with scripted values and failures. A test part: it
 * stands for no real GPU. Not here: what the gate makes of the values (tests/it/gpu.rs).
 *
 * GOODPUT_GATE_NVML_SCRIPT names a file of lines:
 *
 *     origin NS                  instant of CLOCK_MONOTONIC that is second 0
 *     driver TEXT | cuda N       of the system
 *     init CODE                  what nvmlInit answers
 *     KEY GPU POINT...           a value of a GPU; GPU is an index
 *
 * A point is VALUE (from the first call on), `#N=VALUE` (from the N-th call of that question on) or `@S=VALUE` (at second S). A value is
 * a number, a text, `!CODE`: the question fails with that NVML code, or `~S`: it is answered with that number, S seconds late. Between two `@` points numbers change linearly; before the first
 * and after the last they stay. `energy GPU integral` is the exact integral of that GPU's `power` points, in joules. What the script does
 * not name is not supported. `-DWITHOUT_ENERGY` and `-DWITHOUT_PROCESSES` leave functions out, as in an older driver.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int ret_t;
typedef struct device *device_t;
typedef unsigned long long u64;

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, SMALL = 7 };
enum { MOST_LINES = 256, MOST_POINTS = 16, LONGEST = 96 };

struct point { char kind; double at; char value[LONGEST]; };
struct line { char key[32]; int gpu; int points; struct point point[MOST_POINTS]; unsigned calls; };

static struct line lines[MOST_LINES];
static int count, ready;
static double origin;
static char driver[LONGEST], cuda[LONGEST];
static int init_code;
/* A handle is the address of its place here. */
static char gpus[16];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9 - origin;
}

static void point(struct line *to, char *word) {
    if (to->points == MOST_POINTS) abort();
    struct point *p = &to->point[to->points++];
    char *value = word;
    p->kind = ' ';
    if ((*word == '#' || *word == '@') && (value = strchr(word, '='))) {
        p->kind = *word;
        p->at = strtod(word + 1, NULL);
        value++;
    }
    snprintf(p->value, sizeof p->value, "%s", value);
}

static void underscores(char *text) {
    for (; *text; text++) if (*text == '_') *text = ' ';
}

static void read_script(void) {
    const char *path = getenv("GOODPUT_GATE_NVML_SCRIPT");
    FILE *file = path ? fopen(path, "r") : NULL;
    char text[2048];
    count = 0; origin = 0; init_code = 0; driver[0] = cuda[0] = 0;
    while (file && fgets(text, sizeof text, file)) {
        char *rest = text, *key = strtok_r(rest, " \n", &rest), *word = key ? strtok_r(NULL, " \n", &rest) : NULL;
        if (!word) continue;
        if (!strcmp(key, "origin")) origin = (double)strtoull(word, NULL, 10) / 1e9;
        else if (!strcmp(key, "init")) init_code = atoi(word);
        else if (!strcmp(key, "driver")) snprintf(driver, sizeof driver, "%s", word);
        else if (!strcmp(key, "cuda")) snprintf(cuda, sizeof cuda, "%s", word);
        else {
            if (count == MOST_LINES) abort();
            struct line *l = &lines[count++];
            memset(l, 0, sizeof *l);
            snprintf(l->key, sizeof l->key, "%s", key);
            l->gpu = atoi(word);
            while ((word = strtok_r(NULL, " \n", &rest))) point(l, word);
        }
    }
    if (file) fclose(file);
}

static struct line *find(const char *key, int gpu) {
    for (int i = 0; i < count; i++) if (lines[i].gpu == gpu && !strcmp(lines[i].key, key)) return &lines[i];
    return NULL;
}

static int index_of(device_t device) {
    char *at = (char *)device;
    return at >= gpus && at < gpus + sizeof gpus ? (int)(at - gpus) : -1;
}

static double power_at(struct line *l, double t) {
    struct point *before = NULL;
    for (int i = 0; i < l->points; i++) {
        struct point *p = &l->point[i];
        if (p->kind != '@') return strtod(p->value, NULL);
        if (p->at > t) {
            double v = strtod(p->value, NULL);
            if (!before) return v;
            double u = strtod(before->value, NULL);
            return u + (v - u) * (t - before->at) / (p->at - before->at);
        }
        before = p;
    }
    return before ? strtod(before->value, NULL) : 0;
}

/* Exact: power is linear between the points that lie between 0 and t. */
static double energy_at(struct line *l, double t) {
    double sum = 0, from = 0;
    for (int i = 0; i <= l->points; i++) {
        double to = i < l->points && l->point[i].kind == '@' && l->point[i].at < t ? l->point[i].at : t;
        if (to > from) {
            sum += (to - from) * (power_at(l, from) + power_at(l, to)) / 2;
            from = to;
        }
    }
    return sum;
}

/* The text that answers a question, or the code that refuses it. */
static ret_t answer(device_t device, const char *key, const char **text, double *number) {
    static __thread char buffer[LONGEST];
    if (!ready) return UNINITIALIZED;
    int gpu = index_of(device);
    if (gpu < 0) return INVALID;
    struct line *l = find(key, gpu);
    if (!l || !l->points) return NOT_SUPPORTED;
    unsigned call = ++l->calls;
    double t = now();
    struct point *chosen = NULL;
    for (int i = 0; i < l->points; i++) {
        struct point *p = &l->point[i];
        if (p->kind == ' ' || (p->kind == '#' && p->at <= call) || (p->kind == '@' && (p->at <= t || !chosen))) chosen = p;
    }
    if (!chosen) return NOT_SUPPORTED;
    if (*chosen->value == '!') return atoi(chosen->value + 1);
    char *value = chosen->value;
    if (*value == '~') sleep((unsigned)atoi(++value));
    snprintf(buffer, sizeof buffer, "%s", value);
    *text = buffer;
    struct line *power = find("power", gpu);
    if (!strcmp(buffer, "integral")) *number = power ? energy_at(power, t) : 0;
    else *number = chosen->kind == '@' ? power_at(l, t) : strtod(buffer, NULL);
    return SUCCESS;
}

static ret_t number(device_t device, const char *key, double *value) {
    const char *text;
    return answer(device, key, &text, value);
}

static ret_t whole(device_t device, const char *key, unsigned *value) {
    double v = 0;
    ret_t r = number(device, key, &v);
    if (r == SUCCESS) *value = (unsigned)(v + 0.5);
    return r;
}

static ret_t text(device_t device, const char *key, char *to, unsigned length) {
    const char *said;
    double unused;
    ret_t r = answer(device, key, &said, &unused);
    if (r != SUCCESS) return r;
    if (strlen(said) + 1 > length) return SMALL;
    strcpy(to, said);
    underscores(to);
    return r;
}

ret_t nvmlInit_v2(void) {
    if (!ready) read_script();
    if (init_code) return init_code;
    ready++;
    return SUCCESS;
}
ret_t nvmlInitWithFlags(unsigned flags) { (void)flags; return nvmlInit_v2(); }
ret_t nvmlShutdown(void) { if (ready) ready--; return SUCCESS; }
const char *nvmlErrorString(ret_t code) { (void)code; return "scripted"; }

static ret_t system_text(const char *said, char *to, unsigned length) {
    if (!ready) return UNINITIALIZED;
    if (!*said) return NOT_SUPPORTED;
    snprintf(to, length, "%s", said);
    return SUCCESS;
}
ret_t nvmlSystemGetDriverVersion(char *to, unsigned length) { return system_text(driver, to, length); }
ret_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    if (!*cuda) return NOT_SUPPORTED;
    *version = atoi(cuda);
    return SUCCESS;
}

ret_t nvmlDeviceGetCount_v2(unsigned *n) {
    if (!ready) return UNINITIALIZED;
    for (*n = 0; find("uuid", (int)*n); ++*n) {}
    return SUCCESS;
}
ret_t nvmlDeviceGetHandleByIndex_v2(unsigned i, device_t *device) {
    if (i >= sizeof gpus || !find("uuid", (int)i)) return INVALID;
    *device = (device_t)&gpus[i];
    return SUCCESS;
}
ret_t nvmlDeviceGetHandleByUUID(const char *uuid, device_t *device) {
    for (int i = 0; i < count; i++) {
        if (!strcmp(lines[i].key, "uuid") && !strcmp(lines[i].point[0].value, uuid)) {
            *device = (device_t)&gpus[lines[i].gpu];
            return SUCCESS;
        }
    }
    return NOT_FOUND;
}
ret_t nvmlDeviceGetUUID(device_t d, char *to, unsigned length) { return text(d, "uuid", to, length); }
ret_t nvmlDeviceGetName(device_t d, char *to, unsigned length) { return text(d, "name", to, length); }

/* MIG devices of GPU g are the places 8g + 8 on, `mig_parts G N` and `uuid P ...` of each place P. */
ret_t nvmlDeviceGetMigMode(device_t d, unsigned *current, unsigned *pending) {
    ret_t r = whole(d, "mig", current);
    *pending = *current;
    return r;
}
ret_t nvmlDeviceGetMaxMigDeviceCount(device_t d, unsigned *n) { return whole(d, "mig_parts", n); }
ret_t nvmlDeviceGetMigDeviceHandleByIndex(device_t d, unsigned i, device_t *part) {
    int place = 8 * index_of(d) + 8 + (int)i;
    if (place >= (int)sizeof gpus || !find("uuid", place)) return NOT_FOUND;
    *part = (device_t)&gpus[place];
    return SUCCESS;
}

ret_t nvmlDeviceGetPersistenceMode(device_t d, unsigned *mode) { return whole(d, "persistence", mode); }
ret_t nvmlDeviceGetEccMode(device_t d, unsigned *current, unsigned *pending) {
    ret_t r = whole(d, "ecc", current);
    *pending = *current;
    return r;
}
ret_t nvmlDeviceGetEnforcedPowerLimit(device_t d, unsigned *mw) { return whole(d, "power_limit_mw", mw); }
static const char *const CLOCK[] = { "graphics", "sm", "memory", "video" };
static ret_t clock_of(device_t d, const char *what, unsigned type, unsigned *mhz) {
    char key[32];
    if (type > 3) return INVALID;
    snprintf(key, sizeof key, "%s_%s", CLOCK[type], what);
    return whole(d, key, mhz);
}
ret_t nvmlDeviceGetClockInfo(device_t d, unsigned type, unsigned *mhz) { return clock_of(d, "clock", type, mhz); }
ret_t nvmlDeviceGetMaxClockInfo(device_t d, unsigned type, unsigned *mhz) { return clock_of(d, "max_clock", type, mhz); }
ret_t nvmlDeviceGetApplicationsClock(device_t d, unsigned type, unsigned *mhz) { return clock_of(d, "app_clock", type, mhz); }

struct memory { unsigned version; u64 total, reserved, free, used; };
ret_t nvmlDeviceGetMemoryInfo_v2(device_t d, struct memory *m) {
    double used = 0, total = 0;
    ret_t r = number(d, "memory_mib", &used);
    if (r != SUCCESS || (r = number(d, "memory_total_mib", &total)) != SUCCESS) return r;
    m->total = (u64)total << 20;
    m->used = (u64)used << 20;
    m->reserved = 0;
    m->free = m->total - m->used;
    return SUCCESS;
}

struct utilisation { unsigned gpu, memory; };
ret_t nvmlDeviceGetUtilizationRates(device_t d, struct utilisation *u) {
    ret_t r = whole(d, "utilisation", &u->gpu);
    return r != SUCCESS ? r : whole(d, "memory_utilisation", &u->memory);
}
ret_t nvmlDeviceGetPowerUsage(device_t d, unsigned *mw) {
    double watts = 0;
    ret_t r = number(d, "power", &watts);
    if (r == SUCCESS) *mw = (unsigned)(watts * 1000 + 0.5);
    return r;
}
#ifndef WITHOUT_ENERGY
ret_t nvmlDeviceGetTotalEnergyConsumption(device_t d, u64 *mj) {
    double joules = 0;
    ret_t r = number(d, "energy", &joules);
    if (r == SUCCESS) *mj = (u64)(joules * 1000 + 0.5);
    return r;
}
#endif
ret_t nvmlDeviceGetTemperature(device_t d, unsigned sensor, unsigned *celsius) {
    return sensor ? INVALID : whole(d, "temperature", celsius);
}
ret_t nvmlDeviceGetCurrentClocksThrottleReasons(device_t d, u64 *bits) {
    unsigned v = 0;
    ret_t r = whole(d, "throttle", &v);
    *bits = v;
    return r;
}
ret_t nvmlDeviceGetTotalEccErrors(device_t d, unsigned type, unsigned counter, u64 *n) {
    unsigned v = 0;
    if (counter) return INVALID;
    ret_t r = whole(d, type ? "ecc_uncorrected" : "ecc_corrected", &v);
    *n = v;
    return r;
}
ret_t nvmlDeviceGetPcieReplayCounter(device_t d, unsigned *n) { return whole(d, "pcie_replays", n); }

#ifndef WITHOUT_PROCESSES
/* A value is `PID:MIB` joined by commas, or `-` for none; `self` is the process that asks. */
struct process { unsigned pid; u64 memory; unsigned gpu_instance, compute_instance; };
static ret_t processes(device_t d, const char *key, unsigned *n, struct process *to) {
    const char *said;
    char list[LONGEST], *rest = list, *word;
    double unused;
    unsigned found = 0, room = to ? *n : 0;
    ret_t r = answer(d, key, &said, &unused);
    if (r != SUCCESS) return r;
    snprintf(list, sizeof list, "%s", said);
    while ((word = strtok_r(rest, ",", &rest))) {
        char *colon = strchr(word, ':');
        if (!colon) continue;
        if (found < room) {
            to[found].pid = (unsigned)(strncmp(word, "self", 4) ? strtol(word, NULL, 10) : getpid());
            to[found].memory = (u64)strtoull(colon + 1, NULL, 10) << 20;
            to[found].gpu_instance = to[found].compute_instance = 0xFFFFFFFFu;
        }
        found++;
    }
    *n = found;
    /* That asked only how many there are. */
    if (found > room) find(key, index_of(d))->calls--;
    return found > room ? SMALL : SUCCESS;
}
ret_t nvmlDeviceGetComputeRunningProcesses_v3(device_t d, unsigned *n, struct process *to) {
    return processes(d, "processes", n, to);
}
ret_t nvmlDeviceGetMPSComputeRunningProcesses_v3(device_t d, unsigned *n, struct process *to) {
    return processes(d, "mps", n, to);
}
#endif
