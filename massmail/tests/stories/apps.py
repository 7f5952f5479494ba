from django.apps import AppConfig


class StoriesConfig(AppConfig):
    """Only in processes that tests start: speed, and kills at a chosen place."""

    name = "massmail.tests.stories"
    label = "stories"

    def ready(self) -> None:
        from massmail.orchestrator import sender
        from massmail.tests.stories import kill_switch

        sender.WALK_SECONDS = 0.2
        kill_switch.arm_from_environment()
