throw new Error('a bad setting');
