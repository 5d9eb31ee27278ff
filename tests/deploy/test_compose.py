"""compose.yaml: valid by the specification, shut towards the outside, and its parts fit one another."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__, flags
from exporter.model import DEFAULT_PORT
from tests.tools import require_tool

from . import ROOT
from .dockerfile import only, stages

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
BOUGHT_IN = sorted(name for name, service in SERVICES.items() if "build" not in service)
THE_USERS_OWN = "./config.yaml"


def each(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("service", [SERVICES[name] for name in names], ids=names)


def binds(service: dict[str, Any]) -> dict[str, str]:
    """Source by target of what is mounted from the repository, short and long form."""
    found = {}
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            assert volume["read_only"]
            found[volume["target"]] = volume["source"]
        elif volume.startswith("."):
            source, target, mode = volume.split(":")
            assert mode == "ro"
            found[target] = source
    return found


def mounted(name: str, root: Path) -> Path:
    """The repository's files below `root` as that service sees them below /."""
    for target, source in binds(SERVICES[name]).items():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        (root / target[1:]).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / source, root / target[1:])
    return root


def option(name: str, flag: str) -> str:
    """The value of a flag in that service's command."""
    (value,) = (word.removeprefix(f"{flag}=") for word in SERVICES[name]["command"] if word.startswith(f"{flag}="))
    return str(value)


def test_the_specifications_schema_accepts_it() -> None:
    """The schema of the Compose specification, as the package check-jsonschema brings it along."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    said = subprocess.run([*check, ROOT / "compose.yaml"], text=True, capture_output=True)
    assert said.returncode == 0, said.stdout + said.stderr


@each(sorted(SERVICES))
def test_a_service_has_no_rights_it_does_not_need(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@each(sorted(SERVICES))
def test_a_service_is_reachable_from_this_computer_only(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@each(BOUGHT_IN)
def test_an_image_from_elsewhere_is_pinned_and_watched(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"


@each(sorted(SERVICES))
def test_what_a_service_mounts_is_in_the_repository(service: dict[str, Any]) -> None:
    assert all((ROOT / source).exists() for source in binds(service).values() if source != THE_USERS_OWN)


@pytest.mark.parametrize("name", ["exporter", "demo"])
def test_the_exporter_gets_flags_that_exist(name: str) -> None:
    options = flags.parse(SERVICES[name]["command"])
    assert (options.config_file in binds(SERVICES[name])) is not options.demo
    assert SERVICES[name]["image"] == f"greenapi-exporter:{__version__}"


def test_the_exporters_state_is_kept_in_a_named_volume() -> None:
    state = only(stages((ROOT / "Dockerfile").read_text())[-1], "VOLUME").rest
    assert f"exporter:{state}" in SERVICES["exporter"]["volumes"]


def test_prometheus_takes_its_configuration_and_the_rules(tmp_path: Path) -> None:
    promtool = require_tool("promtool")
    config = mounted("prometheus", tmp_path) / option("prometheus", "--config.file")[1:]
    said = subprocess.run([promtool, "check", "config", config], text=True, capture_output=True)
    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(r"SUCCESS: [1-9]\d* rules found", said.stdout)


def test_alertmanager_mutes_what_the_example_mutes() -> None:
    paths = "prometheus/alertmanager.yml", "deploy/compose/alertmanager.yaml"
    example, ours = (yaml.safe_load((ROOT / path).read_text()) for path in paths)
    assert ours["inhibit_rules"] == example["inhibit_rules"]


def test_alertmanager_takes_its_configuration(tmp_path: Path) -> None:
    amtool = require_tool("amtool")
    config = mounted("alertmanager", tmp_path) / option("alertmanager", "--config.file")[1:]
    said = subprocess.run([amtool, "check-config", config], text=True, capture_output=True)
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_parts_find_one_another() -> None:
    """Prometheus the exporter or the demo in its place, Prometheus Alertmanager, Grafana Prometheus."""
    config = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())
    assert config["scrape_configs"][0]["static_configs"][0]["targets"] == [f"exporter:{DEFAULT_PORT}"]
    assert SERVICES["demo"]["networks"]["default"]["aliases"] == ["exporter"]
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]
    (source,) = provisioned("datasources")["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_grafana_finds_its_dashboards(tmp_path: Path) -> None:
    root = mounted("grafana", tmp_path)
    (provider,) = provisioned("dashboards")["providers"]
    assert list((root / provider["options"]["path"][1:]).glob("*.json"))
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (root / home[1:]).is_file()


def test_grafana_expects_no_finer_samples_than_prometheus_takes() -> None:
    """Else its shortest rates would be empty."""
    config = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())
    (source,) = provisioned("datasources")["datasources"]
    assert seconds(config["global"]["scrape_interval"]) <= seconds(source["jsonData"]["timeInterval"])


def provisioned(kind: str) -> dict[str, Any]:
    """Grafana's only provisioning file of that kind."""
    (file,) = (ROOT / "grafana/provisioning" / kind).glob("*.yaml")
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))
