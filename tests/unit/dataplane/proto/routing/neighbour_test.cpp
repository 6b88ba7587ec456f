#include "dataplane/proto/routing/neighbour.h"

#include <algorithm>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "tests/support/bytes.h"

namespace weir::proto {
namespace {

using base::ParseStatus;
using test::Bytes;
using test::from_hex;

/// Frames written by hand, so that parser and builder are not checked against each other only.
const std::string kArpRequestFrame =
    "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000202 000000000000 c0000201";
const std::string kArpReplyFrame =
    "020000000001 0200000000aa 0806 0001 0800 06 04 0002 0200000000aa c0000201 020000000001 c0000202";
/// From 2001:db8::2 for 2001:db8::1, to ff02::1:ff00:1.
const std::string kSolicitationFrame =
    "3333ff000001 020000000001 86dd 60000000 0020 3a ff 20010db8000000000000000000000002"
    "ff0200000000000000000001ff000001 87 00 1c28 00000000 20010db8000000000000000000000001 0101 020000000001";
const std::string kAdvertisementFrame =
    "020000000001 0200000000aa 86dd 60000000 0020 3a ff 20010db8000000000000000000000001"
    "20010db8000000000000000000000002 88 00 09ca e0000000 20010db8000000000000000000000001 0201 0200000000aa";
/// From ::, without an option: a probe for 2001:db8::1.
const std::string kDuplicateCheckFrame =
    "3333ff000001 020000000001 86dd 60000000 0018 3a ff 00000000000000000000000000000000"
    "ff0200000000000000000001ff000001 87 00 4ced 00000000 20010db8000000000000000000000001";

const MacAddress kTheirs{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
const MacAddress kOurs{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xaa}};

IpAddress ip(const char* text) {
  IpAddress address;
  address.is_v6 = std::string_view(text).find(':') != std::string_view::npos;
  EXPECT_EQ(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, text, address.bytes.data()), 1) << text;
  return address;
}

/// Corrects the checksum of an ICMPv6 frame after its bytes were changed.
Bytes with_right_checksum(Bytes frame) {
  frame[56] = frame[57] = std::byte{0};
  std::uint32_t sum = 0x3a + static_cast<std::uint32_t>(frame.size() - 54);
  for (std::size_t i = 22; i + 1 < frame.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(frame[i]) << 8 | std::to_integer<std::uint32_t>(frame[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  test::put_u16(frame, 56, static_cast<std::uint16_t>(~sum));
  return frame;
}

TEST(Neighbour, SaysWhatAMessageAsksAndTells) {
  struct Case {
    const char* description;
    std::string frame;
    const char* wanted;
    const char* asker;
    const char* known;
    MacAddress mac;
  };
  const std::vector<Case> cases{
      {"an ARP request tells of its sender too", kArpRequestFrame, "192.0.2.1", "192.0.2.2", "192.0.2.2",
       kTheirs},
      {"an ARP reply", kArpReplyFrame, nullptr, "192.0.2.1", "192.0.2.1", kOurs},
      {"a solicitation tells of its sender too", kSolicitationFrame, "2001:db8::1", "2001:db8::2",
       "2001:db8::2", kTheirs},
      {"an advertisement", kAdvertisementFrame, nullptr, "0.0.0.0", "2001:db8::1", kOurs},
      {"a check for duplicates", kDuplicateCheckFrame, "2001:db8::1", "::", nullptr, {}},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    const auto parse = parse_neighbour(from_hex(row.frame));
    ASSERT_EQ(parse.status, ParseStatus::found);
    const NeighbourMessage& message = parse.message;
    ASSERT_EQ(message.wanted.has_value(), row.wanted != nullptr);
    if (row.wanted != nullptr) {
      EXPECT_EQ(*message.wanted, ip(row.wanted));
    }
    EXPECT_EQ(message.asker, ip(row.asker));
    ASSERT_EQ(message.known.has_value(), row.known != nullptr);
    if (row.known == nullptr) continue;
    EXPECT_EQ(*message.known, ip(row.known));
    EXPECT_EQ(message.mac, row.mac);
    EXPECT_TRUE(message.overrides);
  }
}

TEST(Neighbour, RefusesWhatNoReceiverMayBelieve) {
  struct Case {
    const char* description;
    std::string frame;
    std::size_t offset;
    std::uint8_t value;
    bool set_checksum;
    ParseStatus status;
  };
  const std::vector<Case> cases{
      {"ARP over another hardware", kArpRequestFrame, 15, 6, false, ParseStatus::malformed},
      {"ARP for another protocol", kArpRequestFrame, 16, 0x86, false, ParseStatus::malformed},
      {"ARP with longer addresses", kArpRequestFrame, 18, 8, false, ParseStatus::malformed},
      {"another ARP operation", kArpRequestFrame, 21, 3, false, ParseStatus::malformed},
      {"a group as ARP's sender", kArpReplyFrame, 22, 3, false, ParseStatus::malformed},
      {"a solicitation from beyond the link", kSolicitationFrame, 21, 254, true, ParseStatus::malformed},
      {"a solicitation with a code", kSolicitationFrame, 55, 1, true, ParseStatus::malformed},
      {"a solicitation with a wrong checksum", kSolicitationFrame, 57, 0, false, ParseStatus::malformed},
      {"a solicitation for a group", kSolicitationFrame, 62, 0xff, true, ParseStatus::malformed},
      {"a solicitation from a group", kSolicitationFrame, 22, 0xff, true, ParseStatus::malformed},
      {"a solicitation that is longer than the frame", kSolicitationFrame, 19, 0x21, true,
       ParseStatus::malformed},
      {"an option of no length", kSolicitationFrame, 79, 0, true, ParseStatus::malformed},
      {"an option that does not end", kSolicitationFrame, 79, 2, true, ParseStatus::malformed},
      {"a group in an option", kSolicitationFrame, 80, 3, true, ParseStatus::malformed},
      {"a check for duplicates to another group", kDuplicateCheckFrame, 53, 2, true, ParseStatus::malformed},
      {"an advertisement to a group that says it was asked for", kAdvertisementFrame, 38, 0xff, true,
       ParseStatus::malformed},
      {"another ICMPv6 message", kSolicitationFrame, 54, 128, true, ParseStatus::absent},
      {"another protocol", kSolicitationFrame, 20, 6, true, ParseStatus::absent},
      {"another ethertype", kArpRequestFrame, 13, 0, false, ParseStatus::absent},
      {"an advertisement without an address", kAdvertisementFrame, 78, 14, true, ParseStatus::absent},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    Bytes frame = from_hex(row.frame);
    frame[row.offset] = std::byte{row.value};
    EXPECT_EQ(parse_neighbour(row.set_checksum ? with_right_checksum(frame) : frame).status, row.status);
  }
}

TEST(Neighbour, AnArpReplyFromNobodySaysNothing) {
  Bytes frame = from_hex(kArpReplyFrame);
  std::fill_n(frame.begin() + 28, 4, std::byte{0});
  EXPECT_EQ(parse_neighbour(frame).status, ParseStatus::malformed);
}

TEST(Neighbour, FramesThatWereCutAreNeverFound) {
  for (const std::string& hex :
       {kArpRequestFrame, kArpReplyFrame, kSolicitationFrame, kAdvertisementFrame, kDuplicateCheckFrame}) {
    const Bytes frame = from_hex(hex);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      EXPECT_NE(parse_neighbour(std::span(frame).first(size)).status, ParseStatus::found) << size;
    }
  }
}

TEST(Neighbour, PaddingAfterAMessageChangesNothing) {
  for (const std::string& hex : {kArpRequestFrame, kSolicitationFrame}) {
    Bytes frame = from_hex(hex);
    frame.resize(frame.size() + 18);
    EXPECT_EQ(parse_neighbour(frame).status, ParseStatus::found);
  }
}

TEST(Neighbour, AnAdvertisementMayLeaveAKnownAddressAlone) {
  Bytes frame = from_hex(kAdvertisementFrame);
  frame[58] = std::byte{0xc0};
  const auto parse = parse_neighbour(with_right_checksum(frame));
  ASSERT_EQ(parse.status, ParseStatus::found);
  EXPECT_FALSE(parse.message.overrides);
}

TEST(Neighbour, RequestsAreTheFramesOfTheStandards) {
  Bytes out(kMaxNeighbourFrameBytes, std::byte{0x55});
  const auto request = [&](const char* from, const char* wanted, const std::optional<MacAddress>& known) {
    Bytes frame = out;
    frame.resize(build_neighbour_request({.mac = kTheirs, .address = ip(from)}, ip(wanted), known, frame));
    return frame;
  };
  EXPECT_EQ(test::difference(from_hex(kArpRequestFrame), request("192.0.2.2", "192.0.2.1", {})), "");
  EXPECT_EQ(test::difference(from_hex(kSolicitationFrame), request("2001:db8::2", "2001:db8::1", {})), "");
  const Bytes arp = request("192.0.2.2", "192.0.2.1", kOurs);
  EXPECT_TRUE(std::equal(kOurs.begin(), kOurs.end(), arp.begin())) << "to who was known last alone";
  const Bytes solicitation = request("2001:db8::2", "2001:db8::1", kOurs);
  EXPECT_TRUE(std::equal(kOurs.begin(), kOurs.end(), solicitation.begin()));
  EXPECT_EQ(parse_neighbour(solicitation).status, ParseStatus::found);
}

TEST(Neighbour, AnswersAreTheFramesOfTheStandards) {
  const auto answer = [&](const std::string& question) {
    Bytes out(kMaxNeighbourFrameBytes, std::byte{0x55});
    out.resize(build_neighbour_answer(parse_neighbour(from_hex(question)).message, kOurs, out));
    return out;
  };
  EXPECT_EQ(test::difference(from_hex(kArpReplyFrame), answer(kArpRequestFrame)), "");
  EXPECT_EQ(test::difference(from_hex(kAdvertisementFrame), answer(kSolicitationFrame)), "");
  const Bytes for_all = answer(kDuplicateCheckFrame);
  EXPECT_EQ(test::difference(from_hex("333300000001"), std::span(for_all).first(6)), "");
  const auto parse = parse_neighbour(for_all);
  ASSERT_EQ(parse.status, ParseStatus::found);
  EXPECT_EQ(parse.message.known, ip("2001:db8::1"));
  EXPECT_TRUE(answer(kArpReplyFrame).empty()) << "an answer is not answered";
}

TEST(Neighbour, RoomThatIsTooSmallIsLeftAlone) {
  Bytes small(kMaxNeighbourFrameBytes - 1, std::byte{0x55});
  const Bytes before = small;
  const auto question = parse_neighbour(from_hex(kArpRequestFrame)).message;
  EXPECT_EQ(build_neighbour_answer(question, kOurs, small), 0U);
  EXPECT_EQ(build_neighbour_request({.mac = kOurs, .address = ip("192.0.2.1")}, ip("192.0.2.2"), {}, small),
            0U);
  EXPECT_EQ(small, before);
}

}  // namespace
}  // namespace weir::proto
