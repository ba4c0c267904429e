# The member's bounce window, counted before rules run: the last 200 eligible recipients of 90 days.
# A missing window reads as no evidence: all numbers 0, and no rule holds at 0.

_eligible: Optional[int] = JsonData(path="$.window.bounce.eligible")
_hard: Optional[int] = JsonData(path="$.window.bounce.hard")
_distinct: Optional[int] = JsonData(path="$.window.bounce.distinct")
_first_contacts: Optional[int] = JsonData(path="$.window.bounce.first_contacts")
_rate: Optional[float] = JsonData(path="$.window.bounce.rate")
_over_5: Optional[float] = JsonData(path="$.window.bounce.p_over_5")
_over_10: Optional[float] = JsonData(path="$.window.bounce.p_over_10")

BounceEligible = ResolveOptional(optional_value=_eligible, default_value=0)
BounceHard = ResolveOptional(optional_value=_hard, default_value=0)
BounceRecipients = ResolveOptional(optional_value=_distinct, default_value=0)
# Of BounceHard: first contacts with a text that the member has long sent, such as confirmations of a sign-up.
BounceFirstContacts = ResolveOptional(optional_value=_first_contacts, default_value=0)
BounceRate = ResolveOptional(optional_value=_rate, default_value=0.0)
BounceOver5 = ResolveOptional(optional_value=_over_5, default_value=0.0)
BounceOver10 = ResolveOptional(optional_value=_over_10, default_value=0.0)

# For sentences, in per cent with one place. A certainty is cut, so that it is never told higher than it is.
BounceRateShown = (BounceRate * 1000 + 0.5) // 1 / 10
BounceOver5Shown = BounceOver5 * 1000 // 1 / 10
BounceOver10Shown = BounceOver10 * 1000 // 1 / 10
