# Rules judge one event at a time. Facts they may read are in models/, numbers in settings.sml.
# A rule speaks only on a new adverse event: every other event leaves things as they are.

Require(rule="bounce.sml")
