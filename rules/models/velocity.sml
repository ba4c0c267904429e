# How much the member sends, against its own habit: the last 24 hours over a mean day of the 30 days before.
# 0 with less than seven days of history: then nothing is known of a habit.

_habit_ratio: Optional[float] = JsonData(path="$.window.velocity.habit_ratio")

HabitRatio = ResolveOptional(optional_value=_habit_ratio, default_value=0.0)
HabitRatioShown = HabitRatio * 10 // 1 / 10
