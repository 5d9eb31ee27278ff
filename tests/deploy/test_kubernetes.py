"""The Kubernetes manifests: accepted by the cluster's own schemas, hardened, and in keeping with image and command.

ServiceMonitor is no kind of Kubernetes' own and has no schema here: what it refers to is checked instead.
"""

from __future__ import annotations

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

FOLDER = ROOT / "deploy/kubernetes"
KINDS = ("secret", "service", "statefulset")
FINAL = stages((ROOT / "Dockerfile").read_text())[-1]


def manifest(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return loaded


POD = manifest("statefulset")["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
MOUNTS = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}


def validate(*files: Path) -> None:
    """Strictly, so that a misspelt field is an error; by the schemas that the package kubernetes-validate brings."""
    check = [sys.executable, "-m", "kubernetes_validate", "--strict", "--quiet", "--no-warn"]
    said = subprocess.run([*check, *map(str, files)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (said.returncode, said.stdout) == (0, "")


def test_the_schemas_of_kubernetes_accept_every_manifest() -> None:
    validate(*(FOLDER / f"{kind}.yaml" for kind in KINDS))


def test_kustomize_puts_them_together(tmp_path: Path) -> None:
    """With the configuration, and with the image's version; the result is accepted as well."""
    build = [require_tool("kubectl"), "kustomize", str(FOLDER)]
    said = subprocess.run(build, check=True, text=True, capture_output=True)
    (tmp_path / "built.yaml").write_text(said.stdout)
    validate(tmp_path / "built.yaml")
    built = {document["kind"]: document for document in yaml.safe_load_all(said.stdout)}
    assert set(built) == {"ConfigMap", "Secret", "Service", "ServiceMonitor", "StatefulSet"}
    pod = built["StatefulSet"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == f"greenapi-exporter:{__version__}"
    (config,) = (volume["configMap"] for volume in pod["volumes"] if "configMap" in volume)
    assert config["name"] == built["ConfigMap"]["metadata"]["name"]


def test_kustomize_is_told_of_every_manifest_and_the_version() -> None:
    kustomization = manifest("kustomization")
    assert sorted(kustomization["resources"]) == sorted(f"{kind}.yaml" for kind in (*KINDS, "servicemonitor"))
    assert kustomization["images"][0]["newTag"] == __version__


def test_service_and_monitor_find_the_pod() -> None:
    service, monitor = manifest("service"), manifest("servicemonitor")["spec"]
    assert service["spec"]["selector"] == manifest("statefulset")["spec"]["selector"]["matchLabels"]
    assert service["spec"]["selector"].items() <= POD["metadata"]["labels"].items()
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["endpoints"]
    (port,) = service["spec"]["ports"]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    assert CONTAINER["ports"] == [{"name": port["targetPort"], "containerPort": DEFAULT_PORT}]


def test_the_pod_meets_the_restricted_security_standard() -> None:
    pod, container = POD["spec"]["securityContext"], CONTAINER["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert POD["spec"]["automountServiceAccountToken"] is False


def test_user_and_state_are_those_of_the_image() -> None:
    pod = POD["spec"]["securityContext"]
    assert only(FINAL, "USER").rest == f"{pod['runAsUser']}:{pod['runAsGroup']}"
    assert pod["fsGroup"] == pod["runAsGroup"]
    assert MOUNTS["state"] == only(FINAL, "VOLUME").rest


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/-/ready"), ("readinessProbe", "/-/ready"), ("livenessProbe", "/-/healthy")],
)
def test_a_probe_asks_what_it_is_meant_to_ask(probe: str, path: str) -> None:
    assert CONTAINER[probe]["httpGet"] == {"path": path, "port": "http"}


def test_an_account_never_has_two_exporters() -> None:
    assert manifest("statefulset")["spec"]["replicas"] == 1


def test_the_exporter_takes_the_configuration_with_the_secret_as_mounted(tmp_path: Path) -> None:
    (file,) = manifest("kustomization")["configMapGenerator"][0]["files"]
    name, source = file.split("=")
    assert flags.parse(CONTAINER["args"]).config_file == f"{MOUNTS['config']}/{name}"
    for key, token in manifest("secret")["stringData"].items():
        (tmp_path / key).write_text(token)
    (tmp_path / name).write_text((FOLDER / source).read_text().replace(MOUNTS["tokens"], str(tmp_path)))
    check = [sys.executable, "-m", "exporter", "--config.check", f"--config.file={tmp_path / name}"]
    said = subprocess.run(check, cwd=ROOT, text=True, capture_output=True)
    assert (said.returncode, said.stdout, said.stderr) == (0, "ok\n", "")
