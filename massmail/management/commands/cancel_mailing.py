from massmail.management.commands._mailing import LifecycleCommand
from massmail.orchestrator.lifecycle import cancel


class Command(LifecycleCommand):
    help = "Cancel a mailing, with the same checks as the button."
    action = staticmethod(cancel)
    done = "cancelled"
