#pragma once

#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::inspect {

/// What an operator has to say to a blocked client. Plain text in UTF-8, escaped where it goes into a page.
struct PageTexts {
  std::string operator_name{};  // who blocks
  std::string reason{};         // why
  std::string contact{};        // how to object
};

/// Fills in a page: UTF-8 text in which `{{operator}}`, `{{reason}}` and `{{contact}}` stand for the texts.
/// There is no other variable, so that no page can carry the address that was blocked. `name` takes the place
/// of the file in messages. Error code: block_page_invalid, as `NAME:LINE: what is wrong, what was expected`:
/// an unknown variable, one whose text is empty, `{{` without `}}`, bytes that are no UTF-8, control
/// characters other than tabs and line ends.
base::Result<std::string> fill_page(std::string_view page, const PageTexts& texts, std::string_view name);

/// The neutral page in English for whom has no file of his own. Texts that are empty are made up for by
/// sentences that are true everywhere. It has nothing that a browser would fetch, and no link.
std::string neutral_page(const PageTexts& texts);

}  // namespace weir::inspect
