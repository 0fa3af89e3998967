/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation fails in turn, those of the crypto libraries too: malloc() and its kind
 * are this program's own. A key is parsed and prepared and a token verified; what comes of it
 * is "out of memory" or the right verdict, and afterwards the same keys give the right one.
 *
 * mbedTLS multiplies points with thousands of allocations in a loop. So of the allocations with
 * the same call stack only the first fails. In the environment,
 *   SJWT_CALL_DEPTH=N        calls that count as a call stack, from malloc() on (default: 6)
 *   SJWT_EVERY_ALLOCATION=1  every allocation fails, which takes a quarter of an hour
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include "support.h"

#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "jwt/sign.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <sjwt/keyset.h>
#include <sjwt/verify.h>

#ifdef WITH_OPENSSL
#include "crypto/openssl_lib.h"
#endif

/* ---- the allocator ------------------------------------------------------ */

#ifdef __GLIBC__
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void __libc_free(void *pointer);
#define REAL(name) __libc_##name
#else
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#endif

static long live;        /* blocks not yet freed */
static size_t asked;     /* allocations since failing was started, failed ones too */
static size_t fail_at;   /* the allocation that fails, counted down; 0: none does */
static bool stays_short; /* so do all after it */
static bool has_failed;

/* ---- call stacks -------------------------------------------------------- */

#define MAX_POINTS 32768

/* The allocations that fail in turn. Shared with the processes that are forked. */
static struct points {
    bool is_recording;
    size_t count;
    size_t allocation[MAX_POINTS];       /* 1 for the first */
    _Unwind_Word stacks[2 * MAX_POINTS]; /* a hash table; 0: empty */
} * points;

typedef struct call_stack {
    unsigned depth;
    unsigned max_depth;
    _Unwind_Word hash;
} call_stack;

static _Unwind_Reason_Code add_call(struct _Unwind_Context *context, void *data)
{
    call_stack *stack = data;

    stack->hash = (stack->hash ^ _Unwind_GetIP(context)) * (_Unwind_Word)0x9e3779b97f4a7c15;
    return ++stack->depth < stack->max_depth ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static unsigned max_depth(void)
{
    enum { OWN = 2, DEFAULT = 6 }; /* record_allocation() and malloc() */
    const char *depth = getenv("SJWT_CALL_DEPTH");

    return OWN + (depth != NULL ? (unsigned)strtoul(depth, NULL, 10) : DEFAULT);
}

/* Returns whether the stack is a new one. */
static bool add_stack(_Unwind_Word hash)
{
    size_t slot = (hash >> 8) % (2 * MAX_POINTS);

    while (points->stacks[slot] != 0 && points->stacks[slot] != hash)
        slot = (slot + 1) % (2 * MAX_POINTS);
    if (points->stacks[slot] == hash)
        return false;
    points->stacks[slot] = hash;
    return true;
}

static __attribute__((noinline)) void record_allocation(size_t allocation)
{
    call_stack stack = {.max_depth = max_depth()};

    if (getenv("SJWT_EVERY_ALLOCATION") == NULL) {
        _Unwind_Backtrace(add_call, &stack);
        if (!add_stack(stack.hash | 1))
            return;
    }
    if (points->count < MAX_POINTS)
        points->allocation[points->count++] = allocation;
}

/* Empties the points. The next use fills them, until its allocations fail no more. */
static void start_recording(void)
{
    if (points == NULL) {
        points =
            mmap(NULL, sizeof(*points), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(points, MAP_FAILED);
    }
    memset(points, 0, sizeof(*points));
    points->is_recording = true;
}

static void check_points(void)
{
    assert_in_range(points->count, 1, MAX_POINTS - 1);
}

/* ---- the allocator, again ----------------------------------------------- */

static bool fails(void)
{
    asked++;
    if (points != NULL && points->is_recording)
        record_allocation(asked);
    if (has_failed && stays_short) {
        errno = ENOMEM;
        return true;
    }
    if (fail_at == 0 || --fail_at > 0)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *malloc(size_t size)
{
    void *made = fails() ? NULL : REAL(malloc)(size);

    live += made != NULL;
    return made;
}

EXPORTED void *calloc(size_t count, size_t size)
{
    void *made = fails() ? NULL : REAL(calloc)(count, size);

    live += made != NULL;
    return made;
}

EXPORTED void *realloc(void *pointer, size_t size)
{
    void *made = fails() ? NULL : REAL(realloc)(pointer, size);

    live += made != NULL && pointer == NULL;
    return made;
}

EXPORTED void free(void *pointer)
{
    live -= pointer != NULL;
    REAL(free)(pointer);
}

/* ---- one use ------------------------------------------------------------ */

typedef struct trial {
    const char *name;
    char *jwk;
    char *token;
    sjwt_status wanted;
} trial;

static sjwt_status verify(const trial *t, const sjwt_keyset *keys)
{
    const sjwt_issuer_policy issuer = {.keys = keys, .algorithms = sjwt_all_algorithms()};
    const sjwt_policy policy = {.issuers = &issuer, .issuer_count = 1};
    sjwt_token *token;

    sjwt_status status = sjwt_verify(NULL, t->token, strlen(t->token), &policy, &token, NULL);
    sjwt_token_free(token);
    return status;
}

static void start_failing(size_t n, bool stay)
{
    asked = 0;
    fail_at = n;
    stays_short = stay;
    has_failed = false;
}

static bool stop_failing(void)
{
    bool failed = has_failed;

    if (points != NULL)
        points->is_recording = false;
    fail_at = 0;
    stays_short = has_failed = false;
    return failed;
}

static const char a_leak[] = "a leak";

/* The n-th allocation fails, and all after it where stay is true. Returns whether there was
 * an n-th; *problem is NULL or what is wrong. */
static bool use_once(const trial *t, size_t n, bool stay, const char **problem)
{
    sjwt_keyset *keys = NULL;
    const long before = live;

    *problem = NULL;
    start_failing(n, stay);
    sjwt_status status = sjwt_keyset_parse(NULL, t->jwk, strlen(t->jwk), &keys, NULL);
    if (status == SJWT_OK)
        status = verify(t, keys);
    bool failed = stop_failing();
    const size_t count = asked;

    if (status != t->wanted && (status != SJWT_NO_MEMORY || !failed))
        *problem = sjwt_status_name(status);
    else if (keys != NULL && (status = verify(t, keys)) != t->wanted)
        *problem = "the same keys, with memory";
    sjwt_keyset_free(keys);
    if (*problem == NULL && live != before)
        *problem = a_leak;
    asked = count;
    return failed;
}

/* The same. What a library keeps for its own use is not a leak: OpenSSL keeps the text of each
 * error in the thread's ring of 16, until the next error takes the place. 16 uses put the ring
 * where it was; a leak grows with each of them. */
static bool try_once(const trial *t, size_t n, bool stay, const char **problem)
{
    enum { RING = 16 };
    bool failed = use_once(t, n, stay, problem);
    long before = live;

    for (int i = 0; i < 2 * RING && *problem == a_leak; i++) {
        if (i == RING)
            before = live;
        use_once(t, n, stay, problem);
        if (*problem == NULL)
            *problem = a_leak;
    }
    if (*problem == a_leak && live == before)
        *problem = NULL;
    return failed;
}

static void record_points(const trial *t)
{
    const char *problem;

    try_once(t, 0, false, &problem); /* what a library allocates once and keeps */
    if (problem == NULL) {
        start_recording();
        use_once(t, 0, false, &problem);
        check_points();
    }
    if (problem != NULL)
        fail_msg("%s: %s", t->name, problem);
}

static void try_each(const trial *t)
{
    const char *problem = NULL;

    record_points(t);
    print_message("%s: %zu of %zu allocations\n", t->name, points->count, asked);
    for (size_t i = 0; i < points->count && problem == NULL; i++) {
        const size_t n = points->allocation[i];

        try_once(t, n, false, &problem);
        if (problem == NULL)
            try_once(t, n, true, &problem);
        if (problem != NULL)
            fail_msg("%s, allocation %zu: %s instead of %s", t->name, n, problem,
                     sjwt_status_name(t->wanted));
    }
}

/* ---- the tests ---------------------------------------------------------- */

/* A key of the algorithm and a token by it. */
static bool make_trial(const char *alg, trial *t)
{
    static const char claims[] = "{\"sub\":\"a\"}";
    const sjwt_jws_header header = {.alg = alg};
    sjwt_private_key *key;
    size_t len;

    if (sjwt_private_key_generate(NULL, alg, 0, NULL, &key, NULL) == SJWT_ALG_UNSUPPORTED)
        return false;
    assert_non_null(key);
    t->name = alg;
    if (strncmp(alg, "HS", 2) == 0)
        assert_int_equal(sjwt_private_key_print(key, &t->jwk, &len, NULL), SJWT_OK);
    else
        assert_int_equal(sjwt_private_key_print_public(key, &t->jwk, &len, NULL), SJWT_OK);
    assert_int_equal(sjwt_sign(NULL, key, &header, claims, strlen(claims), &t->token, &len, NULL),
                     SJWT_OK);
    sjwt_private_key_free(key);
    t->wanted = SJWT_OK;
    return true;
}

/* The same by a process of its own, so that no library is initialized in this one. */
static bool make_trial_elsewhere(const char *alg, trial *t)
{
    static char text[8192];
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!make_trial(alg, t))
            _exit(1);
        int len = snprintf(text, sizeof(text), "%s\n%s\n", t->jwk, t->token);
        _exit(write(ends[1], text, (size_t)len) == len ? 0 : 2);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got = 1; got > 0; len += (size_t)got) {
        got = read(ends[0], text + len, sizeof(text) - 1 - len);
        assert_true(got >= 0);
    }
    close(ends[0]);
    text[len] = '\0';
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    if (WEXITSTATUS(status) == 1)
        return false;
    *t = (trial){.name = alg, .wanted = SJWT_OK};
    t->jwk = strdup(strtok(text, "\n"));
    t->token = strdup(strtok(NULL, "\n"));
    return true;
}

static void free_trial(trial *t)
{
    free(t->jwk);
    free(t->token);
}

static const char *name_of(unsigned alg)
{
    return sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg)->name;
}

static void test_good_tokens(void **state)
{
    trial t;

    (void)state;
    for (unsigned alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        if (!make_trial(name_of(alg), &t))
            continue;
        try_each(&t);
        free_trial(&t);
    }
}

static void test_forged_tokens(void **state)
{
    trial t;

    (void)state;
    for (unsigned alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        if (!make_trial(name_of(alg), &t))
            continue;
        char *signature = strrchr(t.token, '.') + 1;
        signature[40] = signature[40] == 'A' ? 'B' : 'A';
        t.wanted = SJWT_SIGNATURE_INVALID;
        try_each(&t);
        free_trial(&t);
    }
}

/* No memory does not refuse a key, and memory does not make it good. */
static void test_bad_keys(void **state)
{
    static const char *const algorithms[] = {"EdDSA", "ES256", "ES512"};
    trial t;

    (void)state;
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (!make_trial(algorithms[i], &t))
            continue;
        char *x = strstr(t.jwk, "\"x\":\"") + strlen("\"x\":\"");
        if (i == 0)
            memset(x, 'A', 43); /* of small order */
        else
            x[10] = x[10] == 'A' ? 'B' : 'A';
        t.wanted = SJWT_KEY_REFUSED;
        try_each(&t);
        free_trial(&t);
    }
}

/* What OpenSSL does once in a process has no second try. test_shortage tries it. */
static void initialize_openssl(void)
{
#ifdef WITH_OPENSSL
    assert_true(sjwt_crypto_openssl_begin_process());
#endif
}

enum { NONE_FAILED, FAILED, WRONG };

static int call_elsewhere(int (*function)(const trial *, size_t), const trial *t, size_t n)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        alarm(120); /* a library that waits for ever */
        _exit(function(t, n));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The first use in this process. */
static int use_first(const trial *t, size_t n)
{
    const char *problem;

    initialize_openssl();
    bool failed = use_once(t, n, false, &problem);
    if (problem == NULL || problem == a_leak) /* what the library keeps */
        return failed ? FAILED : NONE_FAILED;
    fprintf(stderr, "%s, allocation %zu: %s\n", t->name, n, problem);
    return WRONG;
}

static int record_first(const trial *t, size_t n)
{
    const char *problem;

    initialize_openssl();
    points->is_recording = true;
    use_once(t, n, false, &problem);
    return 0;
}

static const char *const first_algorithms[] = {"EdDSA", "ES256", "RS256"};

/* The first use in a process also initializes the library: a process for each. */
static void test_first_use(void **state)
{
    trial t;

    (void)state;
    for (size_t i = 0; i < COUNT(first_algorithms); i++) {
        if (!make_trial_elsewhere(first_algorithms[i], &t))
            continue;
        start_recording();
        points->is_recording = false; /* but in the child */
        assert_int_equal(call_elsewhere(record_first, &t, 0), 0);
        check_points();
        print_message("%s: %zu allocations\n", t.name, points->count);
        for (size_t n = 0; n < points->count; n++)
            assert_int_not_equal(call_elsewhere(use_first, &t, points->allocation[n]), WRONG);
        free_trial(&t);
    }
}

enum { BLOCK = 2048, MOST = 4 * 1024 * 1024 };

/* Takes all memory but this much, at most MOST, in blocks that malloc() joins when they are freed. */
static void *take_memory(size_t left)
{
    struct rlimit limit;
    void **first = NULL;
    void **block;

    for (size_t taken = 0;; taken += BLOCK) {
        if (taken == MOST) {
            assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
            limit.rlim_cur = 0; /* malloc() has what it has */
            assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
        }
        if ((block = REAL(malloc)(BLOCK)) == NULL)
            break;
        *block = (void *)first;
        first = block;
    }
    /* The highest block stays, or free() would give the others back to the system. */
    for (; left >= BLOCK; left -= BLOCK) {
        block = *first;
        *first = *block;
        REAL(free)((void *)block);
    }
    return (void *)first;
}

static void give_memory(void *first)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    while (first != NULL) {
        void *next = *(void **)first;

        REAL(free)(first);
        first = next;
    }
}

/* The first use in this process, with this much memory. */
static int use_short(const trial *t, size_t left)
{
    sjwt_keyset *keys = NULL;
    void *taken = take_memory(left);

    sjwt_status status = sjwt_keyset_parse(NULL, t->jwk, strlen(t->jwk), &keys, NULL);
    if (status == SJWT_OK)
        status = verify(t, keys);
    give_memory(taken);
    if (status == SJWT_OK || status == SJWT_NO_MEMORY) {
        sjwt_keyset_free(keys);
        keys = NULL;
        sjwt_status again = sjwt_keyset_parse(NULL, t->jwk, strlen(t->jwk), &keys, NULL);
        if (again == SJWT_OK)
            again = verify(t, keys);
        if (again == SJWT_OK)
            return status == SJWT_OK ? NONE_FAILED : FAILED;
        status = again;
    }
    fprintf(stderr, "%s, %zu octets: %s\n", t->name, left, sjwt_status_name(status));
    return WRONG;
}

/* A process has little memory at its first use, and more later. */
static void test_shortage(void **state)
{
    enum { STEP = 4096 };
    trial t;

    (void)state;
    for (size_t i = 0; i < COUNT(first_algorithms); i++) {
        if (!make_trial_elsewhere(first_algorithms[i], &t))
            continue;
        int result = FAILED;
        size_t left = 0;
        for (; left < MOST && result == FAILED; left += STEP)
            result = call_elsewhere(use_short, &t, left);
        print_message("%s: %zu octets\n", t.name, left);
        assert_int_equal(result, NONE_FAILED);
        free_trial(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first, as the others initialize the libraries */
        cmocka_unit_test(test_first_use),   cmocka_unit_test(test_shortage),
        cmocka_unit_test(test_good_tokens), cmocka_unit_test(test_forged_tokens),
        cmocka_unit_test(test_bad_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
