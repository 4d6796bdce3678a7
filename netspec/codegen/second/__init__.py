"""The elaborator as it was when it made trees and ran on varying numbers; it goes with what prints from it."""
