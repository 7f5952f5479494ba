"""What a person with open developer tools would see go wrong."""

from __future__ import annotations

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Request,
    Response,
    WebError,
)

# A violation is an event of its page; the console is the way out of there.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `CSP: ${event.effectiveDirective} forbids ${event.blockedURI} ${event.sample}`
));
"""
LOUD = ("error", "warning")
# Whoever leaves a page leaves its last question without an answer.
LEFT = "net::ERR_ABORTED"


class Problems:
    """Everything that went wrong in a browser context, in the order of happening."""

    def __init__(self, context: BrowserContext) -> None:
        self.found: list[str] = []
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("requestfailed", self._miss)
        context.on("response", self._read)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in LOUD:
            place = message.location.get("url", "")
            self.found.append(f"console {message.type}: {message.text} ({place})")

    def _catch(self, error: WebError) -> None:
        self.found.append(f"uncaught: {error.error}")

    def _miss(self, request: Request) -> None:
        if request.failure != LEFT:
            self.found.append(f"failed: {request.url} {request.failure}")

    def _read(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status}: {response.url}")
