# How long the member has stood in `good`, and how much of its mail has had an outcome in that time.

_good_days: Optional[float] = JsonData(path="$.window.standing.good_days")
_eligible: Optional[int] = JsonData(path="$.window.standing.eligible")

GoodDays = ResolveOptional(optional_value=_good_days, default_value=0.0)
GoodEligible = ResolveOptional(optional_value=_eligible, default_value=0)
GoodDaysShown = GoodDays * 10 // 1 / 10
