"""Every door's parser under made-up inputs: an answer or a documented refusal, in bounded time and memory."""
