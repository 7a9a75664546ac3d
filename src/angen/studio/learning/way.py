"""The way of a training to its report, as one bar: at its end when both are, not before."""

from dataclasses import dataclass

from angen.studio.watch import OnStep
from angen.training.quote import Quote

SONGS = 0.9  # share of the report's time that goes into its songs
UNKNOWN = 100  # steps that a report lasts, where no step is left to compare it with


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How far it is, in steps of the training."""

    steps: int
    report: int  # what the report lasts, in such steps; 0 where there is none

    @property
    def whole(self) -> int:
        return self.steps + self.report

    def training(self, on_step: OnStep) -> OnStep:
        """Where the training counts its steps."""
        return lambda done, _total: on_step(done, self.whole)

    def arrived(self, on_step: OnStep) -> OnStep:
        """For what is quickly done between training and songs."""
        return lambda _done, _total: on_step(self.steps, self.whole)

    def songs(self, on_step: OnStep) -> OnStep:
        """Where the songs of the report are counted."""
        share = SONGS * self.report
        return lambda done, total: on_step(self.steps + round(share * done / total), self.whole)


def way_of(quote: Quote) -> Way:
    """The way that a quote foretells."""
    report = 0
    if quote.report_seconds:
        per_step = quote.seconds / quote.steps if quote.steps else 0.0
        report = max(1, round(quote.report_seconds / per_step)) if per_step else UNKNOWN
    return Way(steps=quote.done + quote.steps, report=report)
