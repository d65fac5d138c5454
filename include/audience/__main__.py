"""`python -m audience`, the same as the command `audience`."""

from audience.cli import main

if __name__ == "__main__":
    main()
