from pathlib import Path

from rich.console import Console

from proxy.demo.story import demonstrate


def test_the_demonstration_remembers_and_fits_a_plain_page(tmp_path: Path) -> None:
    with (tmp_path / "page.txt").open("w+") as file:
        remembered = demonstrate(Console(file=file, width=80))
        file.seek(0)
        page = file.read()
    assert remembered, page
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 80
    assert "✗" not in page
    assert page.count("✓") == 6
