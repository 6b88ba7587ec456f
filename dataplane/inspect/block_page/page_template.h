#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"

namespace weir::inspect {

/// What the operator tells a blocked client in place of `{{name}}`: plain UTF-8 text, escaped when it is put
/// into a page. An empty text counts as not set.
struct PageText {
  std::string name;
  std::string text;
};
using PageTexts = std::vector<PageText>;

/// Fills in a page: UTF-8 text in which a variable such as `{{operator}}` stands for the text of that name.
/// The variables are the rows of page_template.cpp; none carries the blocked address. `name` is what messages
/// call the page. Error code: block_page_invalid, with the message `NAME:LINE: what is wrong, what was
/// expected`. It is returned for an unknown variable, a variable whose text is not set, `{{` without `}}`,
/// bytes that are not UTF-8, and control characters other than tabs and line ends.
base::Result<std::string> fill_page(std::string_view page, const PageTexts& texts, std::string_view name);

/// The built-in page, neutral and in English, for operators without a page of their own. A text that is not
/// set is replaced by a sentence that is true everywhere. The page has no links and nothing to fetch.
std::string neutral_page(const PageTexts& texts);

}  // namespace weir::inspect
