"""The ways to install, each checked by a tool or carried out: image, compose file, systemd unit, manifests, locks."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
