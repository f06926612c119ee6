"""Static files: those of earlier releases stay for a while; a missing manifest stops no page."""

import json
import logging
import os
import time

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import override_settings

from tiqqo.operating.static_files import remember_manifest, remove_outdated
from tiqqo.ui import static_files

DAY = 24 * 3600
PRODUCTION = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tiqqo.ui.static_files.ManifestStorage"},
}


def release(root, *, days_ago, **hashes):
    """A release was collected so long ago: each file has a copy under its name with a hash."""
    at = time.time() - days_ago * DAY
    paths = {f"{name}.css": f"{name}.{hash}.css" for name, hash in hashes.items()}
    for plain, hashed in paths.items():
        for name in (plain, hashed, f"{hashed}.gz"):
            if name == plain or not (root / name).exists():
                (root / name).write_text(name)
                os.utime(root / name, (at, at))
    manifest = root / "staticfiles.json"
    remember_manifest(root)
    manifest.write_text(json.dumps({"paths": paths}))
    os.utime(manifest, (at, at))
    remember_manifest(root)


def test_files_that_no_page_can_ask_for_any_more_are_removed(tmp_path):
    release(tmp_path, days_ago=200, shop="1111", desk="aaaa")
    release(tmp_path, days_ago=150, shop="2222", desk="aaaa")
    release(tmp_path, days_ago=100, shop="3333", desk="aaaa")
    release(tmp_path, days_ago=50, shop="4444", desk="aaaa")

    removed = remove_outdated(tmp_path)

    assert removed == ["shop.1111.css", "shop.1111.css.gz"]
    left = {path.name for path in tmp_path.glob("*.css")}
    assert left == {
        "shop.css",
        "desk.css",
        "desk.aaaa.css",
        "shop.2222.css",
        "shop.3333.css",
        "shop.4444.css",
    }
    assert remove_outdated(tmp_path) == []


def test_files_of_many_releases_in_a_month_all_stay(tmp_path):
    for number in range(6):
        release(tmp_path, days_ago=20 - number, shop=f"{number}{number}")

    assert remove_outdated(tmp_path) == []
    assert len(list(tmp_path.glob("shop.*.css"))) == 6


@pytest.fixture
def uncollected(tmp_path, monkeypatch):
    """Production's storage, and nothing collected."""
    monkeypatch.setattr(static_files, "_told", set())
    with override_settings(STORAGES=PRODUCTION, STATIC_ROOT=tmp_path / "static", DEBUG=False):
        yield tmp_path / "static"


def test_page_is_shown_although_nothing_was_collected(uncollected, caplog):
    assert staticfiles_storage.url("css/app.css") == "/static/css/app.css"
    staticfiles_storage.url("css/app.css")

    [line] = [r for r in caplog.records if r.getMessage() == "static.not_collected"]
    assert (line.levelno, line.file) == (logging.ERROR, "css/app.css")


def test_missing_manifest_is_told_at_the_start(uncollected, caplog):
    static_files.warn_without_manifest()

    [line] = [r for r in caplog.records if r.getMessage() == "static.manifest_missing"]
    assert "collectstatic" in line.hint


def test_deploy_check_fails_until_files_are_collected(uncollected):
    found = [
        error.id
        for error in run_checks(include_deployment_checks=True)
        if error.id and error.id.startswith("tiqqo.")
    ]
    assert found == ["tiqqo.E005"]

    call_command("collectstatic", interactive=False, verbosity=0)
    with override_settings(STORAGES={**PRODUCTION}):
        assert static_files.manifest_lists_every_file() == []
        url = staticfiles_storage.url("css/tokens.css")
        assert url != "/static/css/tokens.css" and (uncollected / url[len("/static/") :]).exists()


def test_deploy_check_names_a_file_that_came_after_the_manifest(uncollected):
    uncollected.mkdir()
    (uncollected / "staticfiles.json").write_text(
        json.dumps({"version": "1.1", "paths": {"css/tokens.css": "css/tokens.1.css"}, "hash": ""})
    )

    with override_settings(STORAGES={**PRODUCTION}):
        [error] = static_files.manifest_lists_every_file()

    assert error.id == "tiqqo.E006"
