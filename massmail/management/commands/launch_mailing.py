from massmail.management.commands._mailing import LifecycleCommand
from massmail.orchestrator.lifecycle import launch


class Command(LifecycleCommand):
    help = "Launch a mailing, with the same checks as the button."
    action = staticmethod(launch)
    done = "launched"
