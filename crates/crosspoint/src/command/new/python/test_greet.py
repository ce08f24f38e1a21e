"""Run from the project's folder: PYTHONPATH=src python3 -m unittest discover -s tests"""

import unittest

from connector_{{package}}.commands.greet import Greet


class GreetTest(unittest.TestCase):
    def greeting(self, **parameters):
        answer = Greet(**parameters).execute(config={}, task_data={})
        return answer["command_response"]["body"]["greeting"]

    def test_it_greets_by_name(self):
        self.assertEqual(self.greeting(name="Ada"), "Hello, Ada!")

    def test_it_can_shout(self):
        self.assertEqual(self.greeting(name="Ada", shout=True), "HELLO, ADA!")

    def test_an_unknown_language_is_an_error_that_names_the_known_ones(self):
        with self.assertRaisesRegex(ValueError, "en, de, fr"):
            self.greeting(name="Ada", language="xx")


if __name__ == "__main__":
    unittest.main()
