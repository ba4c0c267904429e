# What Gmail says of complaints: it sends no single ones back, only a share of a day's mail.

Import(
  rules=[
    "models/action.sml",
    "models/member.sml",
    "models/provider.sml",
    "settings.sml",
  ],
)

_line = ProviderSpamRateLine * 100

ProviderComplaintsNotice = Rule(
  when_all=[
    ActionName == "provider_reported",
    ProviderDays >= 1,
    ProviderDays < ProviderDaysNeeded,
    ProviderSpamRate > ProviderSpamRateLine,
  ],
  description=f"Gmail says that {ProviderSpamRateShown} % of your mail was reported as spam, on {ProviderDays} of the last seven days; above {_line} % it refuses mail. From so few days nothing follows yet: this changes nothing of your standing.",
)

ProviderComplaints = Rule(
  when_all=[
    ActionName == "provider_reported",
    ProviderDays >= ProviderDaysNeeded,
    ProviderDaysOver >= ProviderDaysNeeded,
    ProviderSpamRate > ProviderSpamRateLine,
  ],
  description=f"Gmail says that {ProviderSpamRateShown} % of your mail was reported as spam, the mean of {ProviderDays} of the last seven days, and that it was more than {_line} % on {ProviderDaysOver} of them; {ProviderDaysNeeded} are enough. Above that Gmail refuses mail.",
)

WhenRules(rules_any=[ProviderComplaintsNotice], then=[LabelAdd(entity=Member, label="complaint-notice")])
WhenRules(rules_any=[ProviderComplaints], then=[LabelAdd(entity=Member, label="provider-complaints")])
