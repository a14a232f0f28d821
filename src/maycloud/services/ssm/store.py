"""Parameters as documents, each with its versions; SecureStrings sealed with a key of the data folder."""

from maycloud.services.base import Cloud
from maycloud.store.sealing import Sealer

KEY_FILE = "parameters.key"


class Parameters(Sealer):
    """What the service keeps per cloud."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.store.folder / KEY_FILE)
        self.documents = cloud.store.documents("ssm.parameters")
