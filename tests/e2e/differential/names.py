"""What is listed, and how a server shows that it served it."""

LISTED_HOST = "listed.test"
OTHER_HOST = "other.test"
PAGE_HOST = "news.test"
LISTED_PAGE = "/forbidden/page.html"
LIST = (LISTED_HOST, PAGE_HOST + LISTED_PAGE)
#: In the body of what is listed, and nowhere else.
MARK = b"LISTED-MARK"
