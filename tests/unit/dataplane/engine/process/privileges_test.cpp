#include "dataplane/engine/process/privileges.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::engine {
namespace {

struct Step {
  const char* what;
  bool refused;
  bool (*run)();  // whether it was let through
};

bool opens(const char* file, int flags) {
  const int descriptor = open(file, flags, 0600);
  const bool refused = descriptor < 0 && errno == EPERM;
  if (descriptor >= 0) close(descriptor);
  return !refused;
}
bool makes_socket(int domain) {
  const int descriptor = socket(domain, SOCK_DGRAM, 0);
  const bool refused = descriptor < 0 && errno == EPERM;
  if (descriptor >= 0) close(descriptor);
  return !refused;
}
bool maps(int protection) {
  void* page = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED;
}

const Step kSteps[] = {
    {"read a file", false, [] { return opens("/proc/self/status", O_RDONLY); }},
    {"write a file", true, [] { return opens("/dev/null", O_WRONLY); }},
    {"make a file", true, [] { return opens("/tmp/weir-unit-test-none", O_RDWR | O_CREAT); }},
    {"a Unix socket", false, [] { return makes_socket(AF_UNIX); }},
    {"an IPv4 socket, for questions", false, [] { return makes_socket(AF_INET); }},
    {"an IPv6 socket", true, [] { return makes_socket(AF_INET6); }},
    {"a packet socket", true, [] { return makes_socket(AF_PACKET); }},
    {"memory", false, [] { return maps(PROT_READ | PROT_WRITE); }},
    {"executable memory", true, [] { return maps(PROT_READ | PROT_EXEC); }},
    {"memory made executable", true,
     [] {
       void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
     }},
    {"memory made read-only", false,
     [] {
       void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return mprotect(page, 4096, PROT_READ) == 0;
     }},
    {"another program", true,
     [] {
       execl("/bin/true", "true", static_cast<char*>(nullptr));
       return errno != EPERM;
     }},
    {"another process", true, [] { return fork() >= 0; }},
    {"a trace of another process", true, [] { return syscall(SYS_ptrace, 0, 0, 0, 0) == 0; }},
    {"a sleep", false,
     [] {
       const timespec moment{.tv_sec = 0, .tv_nsec = 1000};
       return clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr) == 0;
     }},
};

/// 0, or one more than the number of the step that went wrong.
int first_wrong_step() {
  int number = 1;
  for (const Step& step : kSteps) {
    if (step.run() == step.refused) {
      std::fprintf(stderr, "%s\n", step.what);
      return number;
    }
    ++number;
  }
  return 0;
}

std::string status_line(const std::string& key) {
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return {};
}

TEST(SystemCallFilterDeathTest, RefusesWhatARunningDataplaneDoesNot) {
  EXPECT_EXIT(
      {
        // A thread from before, as the workers are.
        int in_thread = -1;
        bool go = false;
        std::thread other([&] {
          while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE)) std::this_thread::yield();
          in_thread = first_wrong_step();
        });
        const bool filtered = filter_system_calls().ok();
        __atomic_store_n(&go, true, __ATOMIC_RELEASE);
        other.join();
        const int here = first_wrong_step();
        _exit(!filtered ? 100 : here != 0 ? here : in_thread);
      },
      testing::ExitedWithCode(0), "");
}

TEST(PrivilegesDeathTest, NoCoreNoDebuggerNoNewPrivileges) {
  EXPECT_EXIT(
      {
        const auto done = drop_privileges({.user = {}, .filter_system_calls = false, .lock_memory = false});
        rlimit core{};
        getrlimit(RLIMIT_CORE, &core);
        const bool good = done.ok() && core.rlim_max == 0 &&
                          prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 0 &&
                          prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1;
        _exit(good ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(PrivilegesDeathTest, BecomesAUserWithTheCapabilityThatIsNeeded) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  for (const bool keep : {false, true}) {
    EXPECT_EXIT(
        {
          const auto done = drop_privileges(
              {.user = "nobody", .keep_net_admin = keep, .filter_system_calls = false, .lock_memory = false});
          const auto ids = find_user("nobody");
          bool good = done.ok() && getuid() == ids.value().uid && geteuid() == ids.value().uid &&
                      getegid() == ids.value().gid && setuid(0) != 0;
          good = good && status_line("CapEff") == (keep ? "0000000000001000" : "0000000000000000");
          good = good && status_line("CapPrm") == status_line("CapEff") && status_line("NoNewPrivs") == "1";
          drop_thread_capabilities();
          good = good && status_line("CapPrm") == "0000000000000000";
          _exit(good ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
  }
}

TEST(Privileges, AUserThatIsNoneIsAnError) {
  const auto ids = find_user("no-such-user-of-weir");
  ASSERT_FALSE(ids.ok());
  EXPECT_EQ(ids.error().code, "no_user");
  EXPECT_NE(ids.error().message.find("no-such-user-of-weir"), std::string::npos);
  EXPECT_TRUE(find_user("root").ok());
}

}  // namespace
}  // namespace weir::engine
