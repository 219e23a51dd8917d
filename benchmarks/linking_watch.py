"""Memory of a process and its descendants, by samples."""

from pathlib import Path

import psutil

MB = 1e6


class Watch:
    """Memory of a process and all that it started, while it runs."""

    def __init__(self, pid: int) -> None:
        self._main = psutil.Process(pid)
        self._known = {self._main}
        self._highest: dict[int, float] = {}
        self.now_mb = self.peak_mb = 0.0

    @property
    def bound_mb(self) -> float:
        """Sum of the highest resident sizes."""
        return sum(self._highest.values())

    def sample(self) -> None:
        """Look at all of them now."""
        self.now_mb = 0.0
        try:
            self._known.update(self._main.children(recursive=True))
            for process in self._known:
                self._look_at(process)
        except psutil.NoSuchProcess:
            return
        finally:
            self.peak_mb = max(self.peak_mb, self.now_mb)

    def _look_at(self, process: psutil.Process) -> None:
        try:
            pss = process.memory_full_info().pss / MB
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except (psutil.Error, OSError):  # it has ended
            return
        self.now_mb += pss
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self._highest[process.pid] = int(line.split()[1]) * 1024 / MB

    def end(self) -> None:
        """End all that still run."""
        running = [process for process in self._known if process.is_running()]
        for process in running:
            process.kill()
        psutil.wait_procs(running, timeout=5)
