"""What replicas would be lost by together: one device, one service, one set of credentials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shared:
    """Replicas that share something; ``kind``: device, service, domain, credentials."""

    kind: str
    replicas: tuple[str, ...]

    @property
    def zh(self) -> str:
        """One sentence, Chinese."""
        return _SENTENCES[self.kind][0].format(names="、".join(self.replicas))

    @property
    def en(self) -> str:
        """One sentence, English."""
        return _SENTENCES[self.kind][1].format(names=", ".join(self.replicas))


_SENTENCES = {
    "device": (
        "副本 {names} 在同一设备上，设备损坏时会一同丢失。请把其中一个移到另一台设备。",
        "Replicas {names} lie on one device and would be lost together. Move one of them to another device.",
    ),
    "service": (
        "副本 {names} 在同一个对象存储服务上，服务出事时会一同丢失。请把其中一个移到另一个服务或文件夹。",
        "Replicas {names} lie on one object storage service and would be lost together. Move one of them to another service or a folder.",
    ),
    "domain": (
        "设置说明副本 {names} 属于同一故障域，会一同丢失。请把其中一个移到别处。",
        "The settings say that replicas {names} fail together. Move one of them elsewhere.",
    ),
    "credentials": (
        "副本 {names} 使用同一个访问密钥；密钥泄露或失效时会一同受害。请为每个副本使用各自的密钥。",
        "Replicas {names} use the same credentials: one leak or revocation hits them together. Give each replica credentials of its own.",
    ),
}
_KINDS = {"device": "device", "s3": "service"}


def shared(domains: Mapping[str, str], same_credentials: Callable[[str, str], bool]) -> list[Shared]:
    """What the replicas of ``domains`` (name -> failure domain, as its store says) share.

    ``same_credentials`` says whether two replicas use one key, without saying which.
    """
    together: dict[str, list[str]] = defaultdict(list)
    for name, domain in domains.items():
        if domain != "unknown":
            together[domain].append(name)
    found = [
        Shared(_KINDS.get(domain.partition(":")[0], "domain"), tuple(names))
        for domain, names in together.items()
        if len(names) > 1
    ]
    return found + [Shared("credentials", names) for names in _groups(tuple(domains), same_credentials)]


def _groups(names: Sequence[str], same: Callable[[str, str], bool]) -> list[tuple[str, ...]]:
    groups: list[list[str]] = []
    for name in names:
        group = next((one for one in groups if same(one[0], name)), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return [tuple(one) for one in groups if len(one) > 1]
