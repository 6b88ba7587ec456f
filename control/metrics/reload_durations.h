#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

namespace weir::control {

/// How long each stage of the updates took: one histogram per stage. Any thread.
class ReloadDurations {
 public:
  void observe(std::string_view stage, double seconds);
  [[nodiscard]] prometheus::MetricFamily collect() const;

 private:
  struct Histogram {
    std::vector<std::uint64_t> counts;  // one for each bound, and one for what exceeds the last
    double sum = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Histogram, std::less<>> stages_;
};

}  // namespace weir::control
