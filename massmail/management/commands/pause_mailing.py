from massmail.management.commands._mailing import LifecycleCommand
from massmail.orchestrator.lifecycle import pause


class Command(LifecycleCommand):
    help = "Pause a mailing, with the same checks as the button."
    action = staticmethod(pause)
    done = "paused"
