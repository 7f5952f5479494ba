"""The HTML and CSS that messages may use: the sanitiser's allow-lists in one place."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED_ELEMENTS = words(
    """
    a abbr address article aside b bdi bdo big blockquote br caption center cite code
    col colgroup dd del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5
    h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small span
    strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr
    """
)

# Their content is not HTML, and no part of a message (`style` is read apart).
RAW_ELEMENTS = words(
    "iframe noembed noframes noscript plaintext script style textarea title xmp"
)
VOID_ELEMENTS = words(
    "area base br col embed hr img input link meta param source track wbr"
)
# A start tag closes the one before, so that they do not nest.
SELF_CLOSING_ELEMENTS = words(
    "a caption colgroup dd dt li option p tbody td tfoot th thead tr"
)

# Left open, they are opened again in every paragraph that follows.
FORMATTING_ELEMENTS = words("b big code em font i s small strike strong tt u")

# In plain text they stand in lines or paragraphs of their own.
LINES = words(
    """
    address article aside center dd div dl dt figcaption figure footer header li main
    section table tbody tfoot thead tr
    """
)
PARAGRAPHS = words("blockquote h1 h2 h3 h4 h5 h6 ol p pre ul")

_CELL = words("abbr background colspan headers nowrap rowspan scope")
ALLOWED_ATTRIBUTES = {
    "*": words(
        """
        align aria-hidden aria-label bgcolor border class dir height id lang role
        style title valign width
        """
    ),
    "a": words("href name target"),
    "br": words("clear"),
    "col": words("span"),
    "colgroup": words("span"),
    "font": words("color face size"),
    "hr": words("color noshade size"),
    "img": words("alt hspace src vspace"),
    "li": words("type value"),
    "ol": words("reversed start type"),
    "table": words("background cellpadding cellspacing rules summary"),
    "td": _CELL,
    "th": _CELL,
    "time": words("datetime"),
    "tr": words("background"),
    "ul": words("type"),
}

CSS_PROPERTIES = words(
    """
    background background-color background-image background-position
    background-repeat background-size box-shadow box-sizing caption-side clear color
    color-scheme direction display empty-cells float height hyphens letter-spacing
    line-height max-height max-width min-height min-width opacity overflow
    overflow-wrap supported-color-schemes table-layout unicode-bidi vertical-align
    visibility white-space width word-break word-spacing word-wrap
    -moz-osx-font-smoothing -ms-interpolation-mode -ms-text-size-adjust
    -webkit-font-smoothing -webkit-text-size-adjust
    """
)
CSS_FUNCTIONS = words("calc hsl hsla linear-gradient max min radial-gradient rgb rgba")


def may_have(element: str, attribute: str) -> bool:
    allowed = ALLOWED_ATTRIBUTES
    return attribute in allowed["*"] or attribute in allowed.get(element, ())
