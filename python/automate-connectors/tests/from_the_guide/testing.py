from automate_connectors.testing import ConnectorTestCase

class TestMyServiceAdapter(ConnectorTestCase):
    adapter_class = MyServiceAdapter

    def test_connect(self):
        adapter = self.get_adapter()
        assert adapter.connect() is True

    def test_send_message(self):
        adapter = self.get_adapter()
        result = adapter.execute("send_message", {"text": "Hello"})
        assert result["status"] == "sent"
