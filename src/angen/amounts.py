"""Amounts as a person reads them."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def counted(count: int, noun: str) -> str:
    """``2`` and ``clip`` as ``2 clips``; the noun takes an s where there is not one."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration_text(seconds: float) -> str:
    """``75`` as ``1 min 15 s``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def size_text(count: float) -> str:
    """``1_500_000`` bytes as ``1.5 MB``."""
    unit = 0
    while count >= 1000 and unit < len(_UNITS) - 1:
        count, unit = count / 1000, unit + 1
    exact = unit == 0 or count >= 100
    amount = f"{count:.0f}" if exact else f"{count:.1f}".removesuffix(".0")
    return f"{amount} {_UNITS[unit]}"
