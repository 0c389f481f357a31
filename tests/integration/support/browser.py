"""Chromium and Firefox, driven through tests/browser/driver.mjs."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

DRIVER = Path(__file__).resolve().parents[2] / "browser"
PROGRAMS = {"chromium": "chromium", "firefox": "firefox-esr"}


class Page:
    def __init__(self, browser: "Browser", number: int) -> None:
        self.browser, self.number = browser, number

    def _ask(self, what: str, **told: Any) -> Any:
        return self.browser.ask(what, page=self.number, **told)

    def goto(self, url: str) -> Self:
        self._ask("goto", url=url)
        return self

    def evaluate(self, code: str) -> Any:
        """The value of an expression, or of the promise that it is."""
        return self._ask("evaluate", code=code)

    def leave(self, code: str) -> None:
        """Run what may end the page; nobody waits for it."""
        self._ask("leave", code=code)

    def initially(self, code: str) -> None:
        """Before any script of the pages to come."""
        self._ask("initially", code=code)

    def reload(self) -> None:
        self._ask("reload")

    def back(self) -> None:
        self._ask("back")

    def slow(self, times: float) -> None:
        """A processor that needs so many times as long; Chromium alone can."""
        self._ask("slow", times=times)

    def close(self) -> None:
        self._ask("close")

    def said(self) -> list[str]:
        """Warnings and errors on the console."""
        rows = self._ask("console")
        return [row["text"] for row in rows if row["type"] in ("warn", "warning", "error")]


class Browser:
    def __init__(self, name: str) -> None:
        told = os.environ.get(name.upper(), PROGRAMS[name])
        program = shutil.which(told)
        assert program, f"{told} is not there; ${name.upper()} may name another"
        self.name = name
        self._sessions = 0
        self._process = subprocess.Popen(
            ["node", "driver.mjs", name, program],
            cwd=DRIVER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, what: str, **told: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **told}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the driver of {self.name} has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def new_session(self) -> str:
        """Storage and cookies that nobody has used."""
        self._sessions += 1
        return f"session {self._sessions}"

    def open(self, session: str = "") -> Page:
        return Page(self, self.ask("open", session=session or self.new_session()))

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
