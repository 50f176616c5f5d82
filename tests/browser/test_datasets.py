"""What a person does with datasets: upload a file, look at it, download it, delete it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FIRST_PASSWORD
from tests.browser.person import Person, looked_at_by_axe, person
from tests.browser.test_access import findings, overflow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.live import LiveServer

pytestmark = pytest.mark.browser
ROWS = 10_000


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Return a CSV file of 10,000 examples, a tenth of them in the split `test`."""
    lines = ["id,question,answer,split"]
    for number in range(ROWS):
        split = "test" if number % 10 == 0 else "train"
        lines.append(f'q{number},"How much is {number}, plus 1?",{number + 1},{split}')
    file = tmp_path / "questions.csv"
    file.write_text("\n".join(lines))
    return file


def upload(someone: Person, file: Path) -> None:
    """Upload *file* as the pages guess it."""
    someone.visit("/datasets/upload")
    someone.page.get_by_label("Choose a file").set_input_files(file)
    someone.button("Continue").click()
    expect(someone.page.get_by_role("heading", name="Choose columns")).to_be_visible()
    someone.button("Save dataset").click()
    expect(someone.page.get_by_text("Dataset saved")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_from_a_file_to_a_dataset_and_back(
    chromium: Browser, server: LiveServer, questions: Path, *, javascript: bool
) -> None:
    with person(chromium, server.url, java_script_enabled=javascript) as someone:
        page = someone.page
        someone.settle_in(FIRST_PASSWORD)
        page.get_by_role("link", name="Datasets").click()
        expect(page.get_by_text("No datasets yet")).to_be_visible()
        page.get_by_role("link", name="Upload file").first.click()
        someone.button("Continue").click()
        expect(page.get_by_role("alert")).to_have_text("Choose a file.")

        page.get_by_label("Choose a file").set_input_files(questions)
        someone.button("Continue").click()
        expect(page.get_by_label("Name")).to_have_value("questions")
        expect(page.get_by_text("How much is 1, plus 1?")).to_be_visible()
        expect(page.get_by_label("answer", exact=True)).to_have_value("output")
        page.get_by_label("question", exact=True).select_option("id")
        someone.button("Save dataset").click()
        expect(page.get_by_text("Choose only one column as the id.")).to_be_visible()
        page.get_by_label("question", exact=True).select_option("input")
        page.get_by_label("Name").fill("sums")
        someone.button("Save dataset").click()

        expect(page.get_by_role("heading", name="sums")).to_be_visible()
        expect(page.get_by_role("status").first).to_have_text(
            "Dataset saved: 10,000 created, 0 updated, 0 deleted."
        )
        expect(page.get_by_role("row")).to_have_count(26)
        page.get_by_label("Split").select_option(label="test")
        someone.button("Apply filter").click()
        expect(page.get_by_text("How much is 240, plus 1?")).to_be_visible()
        page.get_by_role("link", name="Next page").click()
        expect(page.get_by_text("How much is 250, plus 1?")).to_be_visible()

        page.get_by_text("Download", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV one row").click()
        assert len(Path(download.value.path()).read_text().splitlines()) == ROWS + 1

        page.get_by_role("link", name="Delete dataset").click()
        question = page.get_by_role("dialog")
        expect(question).to_contain_text("Delete dataset “sums”?")
        someone.button("Cancel").click()
        expect(question).to_be_hidden()
        page.get_by_role("link", name="Delete dataset").click()
        someone.button("Delete dataset").click()
        expect(page.get_by_role("status").first).to_contain_text(
            "Dataset and all its versions deleted"
        )
        expect(page.get_by_text("No datasets yet")).to_be_visible()
        assert someone.complaints == []


def test_a_file_can_be_dropped(chromium: Browser, server: LiveServer) -> None:
    with person(chromium, server.url) as someone:
        page = someone.page
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/datasets/upload")
        dropped = page.evaluate_handle(
            """() => {
                const files = new DataTransfer();
                files.items.add(new File(["question,answer\\nwho,me\\n"], "dropped.csv"));
                return files;
            }"""
        )
        zone = page.locator("[data-drop]")

        zone.dispatch_event("dragover", {"dataTransfer": dropped})
        expect(zone).to_have_class("drop over")
        zone.dispatch_event("drop", {"dataTransfer": dropped})
        expect(zone).to_have_class("drop")
        expect(someone.button("Continue")).to_be_focused()
        page.keyboard.press("Enter")

        expect(page.get_by_label("Name")).to_have_value("dropped")
        assert someone.complaints == []


def test_a_bar_shows_how_much_is_sent(
    chromium: Browser, server: LiveServer, questions: Path
) -> None:
    with person(chromium, server.url) as someone:
        page = someone.page
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/datasets/upload")
        page.get_by_label("Choose a file").set_input_files(questions)
        # As over a slow line: 400 kB at 200 kB a second.
        network = page.context.new_cdp_session(page)
        network.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000},
        )

        someone.button("Continue").click()

        bar = page.get_by_role("progressbar")
        expect(bar).to_be_visible()
        expect(page.get_by_text(re.compile(r"Uploading… [1-9]\d? %"))).to_be_visible()
        expect(someone.button("Continue")).to_be_disabled()
        expect(page.get_by_label("Name")).to_have_value("questions")
        assert someone.complaints == []


def test_a_script_tells_of_a_wrong_file_in_place(
    chromium: Browser, server: LiveServer, tmp_path: Path
) -> None:
    twice, large = tmp_path / "twice.csv", tmp_path / "large.csv"
    twice.write_text("a,a\n1,2\n")
    large.write_text("a,b\n1,2\n")
    with person(chromium, server.url) as someone:
        page = someone.page
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/datasets/upload")
        page.get_by_label("Choose a file").set_input_files(twice)
        someone.button("Continue").click()
        expect(page.get_by_role("alert")).to_have_text("Duplicated column header in CSV file: a")
        expect(page.get_by_label("Choose a file")).to_be_focused()

        page.evaluate("document.querySelector('[data-upload]').dataset.maxBytes = 5")
        page.get_by_label("Choose a file").set_input_files(large)
        expect(page.get_by_role("alert")).to_have_text(re.compile("The limit is 0 KiB"))
        assert someone.complaints == []


def test_a_session_that_has_ended_leads_to_the_sign_in_page(
    chromium: Browser, server: LiveServer, questions: Path
) -> None:
    with person(chromium, server.url) as someone:
        someone.settle_in(FIRST_PASSWORD)
        someone.visit("/datasets/upload")
        someone.page.get_by_label("Choose a file").set_input_files(questions)
        someone.page.context.clear_cookies()

        someone.button("Continue").click()
        expect(someone.page.get_by_role("heading", name="Sign in")).to_be_visible()
        someone.sign_in()

        expect(someone.page.get_by_role("heading", name="Upload file")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_datasets(
    chromium: Browser, server: LiveServer, questions: Path, scheme: str, width: int
) -> None:
    found: list[str] = []
    with person(chromium, server.url, **looked_at_by_axe(scheme, width)) as someone:
        page = someone.page
        someone.settle_in(FIRST_PASSWORD)

        def look(where: str) -> None:
            found.extend(findings(someone, where) + overflow(someone, where))

        someone.visit("/datasets/upload")
        look("a file")
        someone.button("Continue").click()
        look("a file, refused")
        page.get_by_label("Choose a file").set_input_files(questions)
        someone.button("Continue").click()
        expect(page.get_by_role("heading", name="Choose columns")).to_be_visible()
        look("columns")
        page.get_by_label("question", exact=True).select_option("ignore")
        page.get_by_label("Name").fill(" ")
        someone.button("Save dataset").click()
        expect(page.get_by_text("Enter a name for the dataset.")).to_be_visible()
        look("columns, refused")
        upload(someone, questions)
        dataset = page.url.partition("?")[0]
        look("examples")
        page.get_by_text("Download", exact=True).click()
        look("downloads")
        changed = questions.with_name("changed.csv")
        long = "very long " * 100
        changed.write_text(f"id,question,answer,topic\nq1,How much?,2,x\nz,{long},y,{'w' * 99}\n")
        someone.visit("/datasets/upload?name=questions&action=update")
        page.get_by_label("Choose a file").set_input_files(changed)
        someone.button("Continue").click()
        someone.button("Save dataset").click()
        expect(page.get_by_text("9,999 deleted")).to_be_visible()
        page.get_by_text("Show all").click()
        look("examples, long")
        for path in ("/changes", "/use", "?delete=yes", "?cursor=RGF0YXNldEV4YW1wbGU6OTk5OTk="):
            page.goto(f"{dataset}{path}")
            look(path)
        for path in ("/datasets", "/datasets?name=questions&sort=name", "/datasets?name=zzz"):
            someone.visit(path)
            look(path)

    assert found == []
