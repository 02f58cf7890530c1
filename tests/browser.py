"""A headless Chromium, driven by its own protocol over a pipe; no network, no profile, no library."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BINARIES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
FRAMES = 600
KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Enter": 13, "Escape": 27}


def find_browser() -> str | None:
    """The path of a Chromium; None where there is none."""
    return next((found for name in BINARIES if (found := shutil.which(name))), None)


@dataclass(kw_only=True, slots=True)
class Page:
    """A tab: what it was told to do, and what it reported."""

    commands: int
    replies: Iterator[dict[str, Any]]
    session: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command of the DevTools protocol."""
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": parameters} | self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        for reply in self.replies:
            if reply.get("id") == self.sent:
                assert "error" not in reply, reply["error"]
                return dict(reply["result"])
            self.events.append(reply)
        raise EOFError("the browser is gone")

    def open(self, url: str) -> None:
        """Load a page and wait until it is drawn."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, promises awaited."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait_for(self, claim: str) -> None:
        """Return once the claim holds in the page; an error when it does not within so many frames."""
        for _ in range(FRAMES):
            if self.evaluate(f"new Promise(done => requestAnimationFrame(() => done(Boolean({claim}))))"):
                return
        raise AssertionError(f"still not so after {FRAMES} frames: {claim}")

    def click(self, selector: str) -> None:
        """A real click in the middle of an element."""
        found = f"const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'nearest'}});"
        box = "const b = e.getBoundingClientRect(); return {x: b.x + b.width / 2, y: b.y + b.height / 2};"
        where = self.evaluate(f"(() => {{ {found} {box} }})()")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **where, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """A key, down and up."""
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        code = KEY_CODES.get(key, 0)
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        """The size of the window, light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self) -> bytes:
        """The window as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browser(binary: str, profile: Path) -> Iterator[Page]:
    """A fresh tab that records its console, its errors and its requests."""
    inward, commands = os.pipe()
    answers, outward = os.pipe()

    def pipes() -> None:
        os.dup2(inward, 100)  # first out of the way of 3 and 4, where the browser looks
        os.dup2(outward, 101)
        os.dup2(100, 3)
        os.dup2(101, 4)

    process = subprocess.Popen(
        [binary, *SWITCHES, f"--user-data-dir={profile}"], preexec_fn=pipes, close_fds=False, stderr=subprocess.DEVNULL
    )
    os.close(inward)
    os.close(outward)
    page = Page(commands=commands, replies=_messages(answers))
    try:
        target = page.call("Target.createTarget", url="about:blank")["targetId"]
        attached = page.call("Target.attachToTarget", targetId=target, flatten=True)
        page.session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        yield page
    finally:
        process.kill()
        process.wait()
        os.close(commands)
        os.close(answers)


def _messages(answers: int) -> Iterator[dict[str, Any]]:
    rest = b""
    while chunk := os.read(answers, 1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from map(json.loads, whole)
