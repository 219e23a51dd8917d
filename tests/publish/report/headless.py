"""A headless Chromium, spoken to over its DevTools protocol: what a reader would see and do."""

import base64
import json
import shutil
import subprocess
import time
from pathlib import Path

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_KEYS = {
    "Enter": ("Enter", 13, "\r"),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    "Space": (" ", 32, " "),
}
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-extensions", "--mute-audio", "--hide-scrollbars")  # fmt: skip


def find_chromium():
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """One browser process; `open` gives a page."""

    def __init__(self, folder: Path):
        command = [find_chromium(), "--headless=new", "--remote-debugging-port=0"]
        command += [f"--user-data-dir={folder}", *_QUIET, "about:blank"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port_file = folder / "DevToolsActivePort"
        deadline = time.monotonic() + 60
        while not (port_file.is_file() and port_file.read_text().count("\n")):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                raise RuntimeError("Chromium did not start")
            time.sleep(0.05)
        port, path = port_file.read_text().split()
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}{path}", suppress_origin=True, timeout=60
        )
        self.number = 0
        self.events = []

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send(self, method, session=None, **parameters):
        self.number += 1
        call = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(call | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path: Path, width=1440, height=900, address=""):
        """Open a file at a size; return its page once it has loaded."""
        self.events.clear()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        # What is inside frames of another origin counts too.
        page.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False,
                  flatten=True)  # fmt: skip
        page.resize(width, height)
        page.send("Page.navigate", url=path.as_uri() + address)
        page.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        return page


class Page:
    """One page: what it shows, what it complained of, what it asked the network for."""

    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def close(self):
        self.browser.send("Target.closeTarget", targetId=self.target)

    def resize(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip

    def media(self, kind="", **features):
        listed = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.send("Emulation.setEmulatedMedia", media=kind, features=listed)

    def run(self, script):
        """Return the value of an expression, awaited if it is a promise."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)  # fmt: skip
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def wait(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"never true: {condition}"
            time.sleep(0.05)

    def click(self, selector):
        """Press the mouse where an element stands."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.left + Math.min(b.width / 2, 40), b.top + Math.min(b.height / 2, 20)]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left",
                      clickCount=1)  # fmt: skip

    def press(self, name):
        key, code, text = _KEYS[name]
        facts = {"key": key, "code": name, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **facts)
        self.send("Input.dispatchKeyEvent", type="keyUp", **facts)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def complaints(self):
        """Return what stands in the console as an error or warning, and uncaught errors."""
        self.run("new Promise(done => setTimeout(done, 50))")
        found = []
        for event in self.browser.events:
            method, facts = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(str(facts["exceptionDetails"].get("exception", facts)))
            if method == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
                found.append(facts["entry"]["text"])
            if method == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning"):
                found.append(str(facts["args"]))
        return found

    def requests(self):
        """Return the addresses asked for, besides the page itself and what it holds."""
        asked = [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
        own = ("data:", "about:")
        return [a for a in asked if not a.startswith(own) and not a.startswith("file:")] + [
            a for a in asked if a.startswith("file:")
        ][1:]

    def screenshot(self, path: Path, full=False):
        options = {"captureBeyondViewport": True} if full else {}
        if full:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {"x": 0, "y": 0, **{k: size[k] for k in ("width", "height")},
                               "scale": 1}  # fmt: skip
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", **options)["data"]))

    def pdf(self):
        """Return the page as it prints."""
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"])
