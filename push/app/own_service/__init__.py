"""A push service of our own, for networks from which the browsers' vendors cannot be reached (RFC 8030).

Firefox is pointed at it (``dom.push.serverURL``) and keeps a websocket open; our sender, or any other, posts to the
endpoints that it hands out.
"""
