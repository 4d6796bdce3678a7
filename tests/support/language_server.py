"""A client of yaml-language-server, which is what editors check and complete YAML with."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PINNED = Path(__file__).parent / "yaml_language_server"
"""The npm package list and its lock, which name every version and its checksum."""

CACHE = Path(__file__).parents[2] / "build" / "yaml-language-server"
_PROGRAM = Path("node_modules", "yaml-language-server", "bin", "yaml-language-server")

SETTINGS = {
    "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}},
    "[yaml]": {},
    "editor": {},
    "files": {},
    "http": {},
}
TIMEOUT = 30


def installed_server() -> Path:
    """The server's program, installed into ``build/`` if need be; raises OSError where it cannot be."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise OSError("node and npm are not installed")
    lock = (PINNED / "package-lock.json").read_bytes()
    stamp = CACHE / "package-lock.json"
    if not (stamp.is_file() and stamp.read_bytes() == lock and (CACHE / _PROGRAM).is_file()):
        _install()
    return CACHE / _PROGRAM


def _install() -> None:
    CACHE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        fresh = Path(folder, "fresh")
        shutil.copytree(PINNED, fresh)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            subprocess.run(
                command, cwd=fresh, check=True, capture_output=True, text=True, timeout=120
            )
        except subprocess.SubprocessError as error:
            raise OSError(f"npm ci failed: {getattr(error, 'stderr', '') or error}") from error
        shutil.rmtree(CACHE, ignore_errors=True)
        fresh.rename(CACHE)


@dataclass(frozen=True)
class Finding:
    """What the server says about a place; lines and columns count from 1, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    message: str


class LanguageServer:
    """The server in a process of its own; use as a context."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(program), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )
        self._received: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._last = 0
        self._opened = 0
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> LanguageServer:
        formats = ["markdown", "plaintext"]
        self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": None,
                "capabilities": {
                    "workspace": {"configuration": True},
                    "textDocument": {
                        "completion": {
                            "completionItem": {
                                "snippetSupport": True,
                                "documentationFormat": formats,
                            }
                        },
                        "hover": {"contentFormat": formats},
                    },
                },
            },
        )
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": SETTINGS})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def check(self, folder: Path, text: str) -> list[Finding]:
        """What the server finds in ``text``, as if it stood in a file of ``folder``."""
        document = self._open(folder, text)
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics":
                parameters = message["params"]
                if parameters["uri"] == document["uri"]:
                    break
        found = []
        for item in parameters["diagnostics"]:
            start, end = item["range"]["start"], item["range"]["end"]
            place = (
                start["line"] + 1,
                start["character"] + 1,
                end["line"] + 1,
                end["character"] + 1,
            )
            found.append(Finding(*place, item["message"]))
        return sorted(found, key=lambda finding: (finding.line, finding.column))

    def complete(self, folder: Path, text: str) -> dict[str, dict[str, Any]]:
        """The completions where ``text`` holds a ``|``, by label."""
        result = self._at_cursor("textDocument/completion", folder, text)
        return {item["label"]: item for item in result["items"]}

    def hover(self, folder: Path, text: str) -> str:
        """What is shown about the word behind the ``|`` in ``text``."""
        result = self._at_cursor("textDocument/hover", folder, text)
        return str(result["contents"]["value"]) if result else ""

    def _at_cursor(self, method: str, folder: Path, text: str) -> Any:
        before, after = text.split("|")
        document = self._open(folder, before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return self.request(method, {"textDocument": document, "position": position})

    def _open(self, folder: Path, text: str) -> dict[str, str]:
        """Show ``text`` to the server under a name of its own: it remembers what it has seen."""
        self._opened += 1
        document = {"uri": (folder / f"document{self._opened}.yaml").as_uri()}
        shown = {**document, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": shown})
        return document

    def request(self, method: str, parameters: Any) -> Any:
        """The result of a request; what else arrives until then is answered or dropped."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": parameters})
        number = self._last
        while True:
            message = self._next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def notify(self, method: str, parameters: Any) -> None:
        """Say something that has no answer."""
        self._send({"method": method, "params": parameters})

    def _next(self) -> dict[str, Any]:
        while True:
            message = self._received.get(timeout=TIMEOUT)
            assert message is not None, "the server has gone"
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": self._answer(message)})
                continue
            return message

    @staticmethod
    def _answer(message: dict[str, Any]) -> Any:
        if message["method"] == "workspace/configuration":
            return [SETTINGS.get(item["section"], {}) for item in message["params"]["items"]]
        return None

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode().partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            if not line:
                self._received.put(None)
                return
            self._received.put(json.loads(stream.read(length)))
