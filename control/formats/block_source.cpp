#include "control/formats/block_source.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

namespace weir::formats {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::size_t kUnpackedBlockBytes = 65536;
constexpr int kWindowBitsOfGzip = 15 + 16;

class MemoryBlocks final : public BlockSource {
 public:
  explicit MemoryBlocks(std::string_view bytes) : bytes_(bytes) {}
  base::Result<std::string_view> next() override { return std::exchange(bytes_, std::string_view{}); }

 private:
  std::string_view bytes_;
};

class GzipBlocks final : public BlockSource {
 public:
  GzipBlocks(std::string_view bytes, std::size_t max_bytes)
      : bytes_(bytes), room_(max_bytes), max_bytes_(max_bytes), block_(kUnpackedBlockBytes) {
    if (inflateInit2(&stream_, kWindowBitsOfGzip) != Z_OK) throw std::bad_alloc();
  }
  GzipBlocks(const GzipBlocks&) = delete;
  GzipBlocks& operator=(const GzipBlocks&) = delete;
  ~GzipBlocks() override { inflateEnd(&stream_); }

  base::Result<std::string_view> next() override {
    stream_.next_out = reinterpret_cast<Bytef*>(block_.data());
    stream_.avail_out = static_cast<uInt>(block_.size());
    while (stream_.avail_out == block_.size()) {
      if (member_ended_) {
        if (bytes_.empty() && stream_.avail_in == 0) return std::string_view{};
        inflateReset(&stream_);
        member_ended_ = false;
      }
      refill();
      const int result = inflate(&stream_, Z_NO_FLUSH);
      member_ended_ = result == Z_STREAM_END;
      if (result == Z_BUF_ERROR && stream_.avail_in == 0) {
        return base::Error{"parse_truncated", "the gzip data ends early: truncated at its source?"};
      }
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return base::Error{"parse_gzip",
                           fmt::format("the gzip data is damaged, {} bytes from its end", left())};
      }
    }
    const std::size_t size = block_.size() - stream_.avail_out;
    if (size > room_) {
      return base::Error{"parse_too_large",
                         fmt::format("larger than the limit of {} bytes when unpacked", max_bytes_)};
    }
    room_ -= size;
    return std::string_view(block_.data(), size);
  }

 private:
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() + stream_.avail_in; }

  // The counters of zlib have 32 bits.
  void refill() {
    if (stream_.avail_in != 0) return;
    const std::size_t part =
        std::min<std::size_t>(bytes_.size(), std::numeric_limits<decltype(stream_.avail_in)>::max());
    // zlib does not write there; its interface predates const.
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes_.data()));
    stream_.avail_in = static_cast<uInt>(part);
    bytes_.remove_prefix(part);
  }

  std::string_view bytes_;
  std::size_t room_;
  const std::size_t max_bytes_;
  std::vector<char> block_;
  z_stream stream_{};
  bool member_ended_ = false;
};

/// Recognises a web page by its first character.
class PageCheck {
 public:
  [[nodiscard]] bool is_page(std::string_view block) noexcept {
    if (decided_) return false;
    const std::size_t first = block.find_first_not_of("\xEF\xBB\xBF \t\r\n");
    if (first == std::string_view::npos) return false;
    decided_ = true;
    return block[first] == '<';
  }

 private:
  bool decided_ = false;
};

}  // namespace

std::unique_ptr<BlockSource> open_blocks(std::string_view bytes, std::size_t max_bytes) {
  if (bytes.starts_with(kGzipMagic)) return std::make_unique<GzipBlocks>(bytes, max_bytes);
  return std::make_unique<MemoryBlocks>(bytes);
}

base::Status read_blocks(BlockSource& source, const std::function<base::Status(std::string_view)>& take) {
  PageCheck page;
  while (true) {
    const auto block = source.next();
    if (!block) return block.error();
    if (block.value().empty()) return base::ok_status();
    if (page.is_page(block.value())) return base::Error{"parse_html", "a web page (HTML or XML), not a list"};
    if (base::Status status = take(block.value()); !status) return status;
  }
}

}  // namespace weir::formats
