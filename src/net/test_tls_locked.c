/* TLS in a process that is locked in as a sensor is: no file is opened once the server was made. A
 * test of its own, so that nothing is warm yet but by tls_server_new(). */
#include "net/test_tls.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* What a sensor's TLS may ask of the system: memory, random bytes, its own number (by which OpenSSL
 * finds that it was forked), the time where the kernel does not share it, and the end. */
static int lock_in(void)
{
    static const int allowed[] = {SYS_mmap,         SYS_munmap,        SYS_mremap,    SYS_brk,
                                  SYS_madvise,      SYS_futex,         SYS_getrandom, SYS_getpid,
                                  SYS_gettimeofday, SYS_clock_gettime, SYS_exit_group};
    struct sock_filter code[64];
    unsigned short n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {n, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
               ? -1
               : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* All kinds of clients, each for the first time; a status to exit with. */
static int first_clients(void)
{
    static const struct wish wishes[] = {
        {.version = TLS1_3_VERSION, .sni = "locked1.seized.example"},
        {.version = TLS1_3_VERSION, .groups = "P-256", .sigalgs = "RSA-PSS+SHA256"},
        {.version = TLS1_2_VERSION, .sni = "locked2.seized.example"},
        {.version = TLS1_2_VERSION,
         .ciphers = "ECDHE-RSA-AES256-SHA384",
         .sni = "locked3.seized.example"},
        {.version = TLS1_2_VERSION,
         .ciphers = "DHE-RSA-CHACHA20-POLY1305",
         .sni = "locked3.seized.example"},
        {.version = TLS1_2_VERSION,
         .ciphers = "CAMELLIA128-SHA256",
         .sni = "locked3.seized.example"},
        {.version = TLS1_2_VERSION, .ciphers = "AES256-CCM8", .sni = "locked3.seized.example"},
        {.version = TLS1_1_VERSION, .sni = "locked4.seized.example"},
        {.version = TLS1_VERSION,
         .ciphers = "AES128-SHA:@SECLEVEL=0",
         .sni = "locked5.seized.example"},
    };
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        struct talk k;
        if (connect_as(&k, &wishes[i], seized_peer()) != TLS_OPEN || !says(&k, "hello") ||
            !hears(&k, "hello"))
            return 10 + (int)i;
        SSL_shutdown(k.client);
        to_server(&k, 1);
        talk_end(&k);
    }
    struct tls *t = tls_new(&world.env, &(struct net_peer){0});
    struct buf plain = {0}, out = {0};
    return tls_input(t, span_str("garbage"), &plain, &out) == TLS_FAILED ? 0 : 1;
}

/* How a child ends that makes its server, is locked in, and then does what it is told. */
static int run_locked(int (*work)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        client_ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_security_level(client_ctx, 0);
        world_begin(NULL, 0);
        _exit(lock_in() < 0 ? 2 : work());
    }
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int open_a_file(void)
{
    return fopen("/dev/urandom", "r") != NULL;
}

int main(void)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)run_locked, (void)first_clients, (void)open_a_file;
    tap_skip("locked in", "the sanitizer makes calls of its own");
#else
    int status = run_locked(first_clients);
    if (!ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
            "nothing is opened after the server was made"))
        printf("# status 0x%x\n", (unsigned)status);
    status = run_locked(open_a_file);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "what would be, is found");
#endif
    return tap_done();
}
