#include "dataplane/engine/process/eal_arguments.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

EalInput input() {
  return {.user = {"--no-huge", "-m", "512"},
          .workers = {1},
          .pci_devices = {},
          .socket = "/run/weir/dataplane.sock",
          .cpus = {0, 1, 2, 3}};
}

std::vector<std::string> arguments(const EalInput& in) {
  auto result = eal_arguments(in);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? result.value() : std::vector<std::string>{};
}

TEST(EalArguments, AddWhatTheUserLeftOut) {
  const auto got = arguments(input());
  EXPECT_EQ(got.front(), "weir-dataplane");
  EXPECT_THAT(got, Contains("--lcores=0@(0,2,3),1@1"));
  EXPECT_THAT(got, Contains("--main-lcore=0"));
  EXPECT_THAT(got, Contains("--no-pci"));
  EXPECT_THAT(got, Contains("--no-telemetry"));
  EXPECT_THAT(got, Contains(StartsWith("--file-prefix=weir-")));
  EXPECT_EQ((std::vector<std::string>(got.end() - 3, got.end())), input().user) << "the user's come last";
}

TEST(EalArguments, MainLcoreKeepsOffTheWorkers) {
  struct Case {
    const char* description;
    std::vector<unsigned> workers;
    std::vector<unsigned> cpus;
    const char* lcores;
  };
  const Case cases[] = {
      {"first CPU works", {0}, {0, 1}, "--lcores=1@(1),0@0"},
      {"one CPU for all", {0}, {0}, "--lcores=1@(0),0@0"},
      {"every CPU works", {0, 1}, {0, 1}, "--lcores=2@(0,1),0@0,1@1"},
      {"several workers", {2, 3}, {0, 1, 2, 3}, "--lcores=0@(0,1),2@2,3@3"},
      {"a container's CPUs", {5}, {4, 5}, "--lcores=0@(4),5@5"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    EalInput in = input();
    in.workers = row.workers;
    in.cpus = row.cpus;
    EXPECT_THAT(arguments(in), Contains(row.lcores));
  }
}

TEST(EalArguments, UserHasTheLastWord) {
  struct Case {
    const char* option;
    const char* not_added;
  };
  const Case cases[] = {
      {"--lcores=0-1", "--lcores=0@"},
      {"-l0,1", "--lcores"},
      {"-c3", "--main-lcore"},
      {"--file-prefix=mine", "--file-prefix=weir"},
      {"--telemetry", "--no-telemetry"},
      {"--file-prefix=mine", "--no-shconf"},
      {"--allow=0000:01:00.0", "--no-pci"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.option);
    EalInput in = input();
    in.user = {"--no-huge", row.option};
    EXPECT_THAT(arguments(in), Each(Not(StartsWith(row.not_added))));
    EXPECT_THAT(arguments(in), Contains(row.option));
  }
}

TEST(EalArguments, MemoryIsSharedWithNobody) {
  EalInput in = input();
  EXPECT_THAT(arguments(in), Contains("--no-shconf"));
  EXPECT_THAT(arguments(in), Not(Contains("--in-memory"))) << "excludes --no-huge";
  in.user = {};
  EXPECT_THAT(arguments(in), Contains("--in-memory"));
  in.user = {"--huge-dir=/mnt/huge"};
  EXPECT_THAT(arguments(in), Not(Contains("--in-memory")));
}

TEST(EalArguments, OnlyThePortsOfTheConfigurationAreTouched) {
  EalInput in = input();
  in.pci_devices = {"0000:01:00.0", "0000:01:00.1,dv_flow_en=1"};
  const auto got = arguments(in);
  EXPECT_THAT(got, Not(Contains("--no-pci")));
  const auto first = std::find(got.begin(), got.end(), "0000:01:00.0");
  ASSERT_NE(first, got.end());
  EXPECT_EQ(*(first - 1), "-a");
  EXPECT_THAT(got, Contains("0000:01:00.1,dv_flow_en=1"));
}

TEST(EalArguments, DataplanesOfDifferentSocketsKeepApart) {
  const auto prefix = [](const char* socket) {
    EalInput in = input();
    in.socket = socket;
    const auto got = arguments(in);
    return *std::find_if(got.begin(), got.end(),
                         [](const std::string& a) { return a.compare(0, 14, "--file-prefix=") == 0; });
  };
  EXPECT_NE(prefix("/run/weir/a.sock"), prefix("/run/weir/b.sock"));
  EXPECT_EQ(prefix("/run/weir/a.sock"), prefix("/run/./weir/x/../a.sock"));
}

TEST(EalArguments, ErrorsSayWhatIsWrong) {
  struct Case {
    const char* description;
    std::vector<std::string> user;
    std::vector<unsigned> workers;
    std::vector<std::string> pci;
    const char* says;
  };
  const Case cases[] = {
      {"no worker", {}, {}, {}, "at least one"},
      {"no such CPU", {}, {1, 9}, {}, "this process may not run on CPU 9, only on 0,1,2,3"},
      {"beyond DPDK", {}, {100000}, {}, "too high"},
      {"PCI port without PCI",
       {"--no-pci"},
       {1},
       {"0000:01:00.0"},
       "--no-pci, but the device of a port is PCI 0000:01:00.0"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    EalInput in = input();
    in.user = row.user;
    in.workers = row.workers;
    in.pci_devices = row.pci;
    const auto result = eal_arguments(in);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, "eal_arguments");
    EXPECT_THAT(result.error().message, HasSubstr(row.says));
  }
}

TEST(HasOption, KnowsEverySpelling) {
  struct Case {
    std::vector<std::string> arguments;
    bool expected;
  };
  const Case cases[] = {
      {{"-l", "1"}, true},
      {{"-l1"}, true},
      {{"--lcores", "1"}, true},
      {{"--lcores=1"}, true},
      {{"--lcoresx=1"}, false},
      {{"--log-level=8"}, false},
      {{"-m", "512"}, false},
      {{}, false},
      {{""}, false},
  };
  for (const Case& row : cases) {
    EXPECT_EQ(has_option(row.arguments, {"-l", "--lcores"}), row.expected)
        << (row.arguments.empty() ? "nothing" : row.arguments.front());
  }
}

}  // namespace
}  // namespace weir::engine
