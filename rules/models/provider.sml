# What Gmail says of the member's mail: the share of what reached inboxes that people reported as spam, on those of the
# last seven days for which it gives a figure. It gives none on days with little mail.

_spam_rate: Optional[float] = JsonData(path="$.window.provider.spam_rate")
_days: Optional[int] = JsonData(path="$.window.provider.days")
_days_over: Optional[int] = JsonData(path="$.window.provider.days_over")

ProviderSpamRate = ResolveOptional(optional_value=_spam_rate, default_value=0.0)
ProviderDays = ResolveOptional(optional_value=_days, default_value=0)
ProviderDaysOver = ResolveOptional(optional_value=_days_over, default_value=0)
ProviderSpamRateShown = (ProviderSpamRate * 10000 + 0.5) // 1 / 100
